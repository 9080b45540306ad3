// A prettier plugin that lays out JSON with comments by `jsonc-parser`. It stands in for prettier's
// JavaScript parser and printer (half a megabyte), which GraphiQL loads only for its variables.
import { applyEdits, format } from 'jsonc-parser';

const OPTIONS = { insertSpaces: true, tabSize: 2, eol: '\n' };

export const parsers = {
  jsonc: {
    astFormat: 'sloengine-json',
    parse: (text) => ({ text }),
    locStart: () => 0,
    locEnd: ({ text }) => text.length,
  },
};

export const printers = {
  'sloengine-json': {
    print: ({ node: { text } }) => applyEdits(text, format(text, undefined, OPTIONS)),
  },
};
