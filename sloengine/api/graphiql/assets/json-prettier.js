import{a as o,f as s}from"./monaco-editor.js";import"./monaco.js";const e={insertSpaces:!0,tabSize:2,eol:`
`},a={jsonc:{astFormat:"sloengine-json",parse:n=>({text:n}),locStart:()=>0,locEnd:({text:n})=>n.length}},i={"sloengine-json":{print:({node:{text:n}})=>o(n,s(n,void 0,e))}};export{a as parsers,i as printers};
