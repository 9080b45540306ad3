import { useEffect } from 'react';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { carriedVariables } from './carry.js';

/** Draws nothing: what GraphiQL does not do by itself. `answers` fires `result` after each operation run. */
export function Companion({ answers }) {
  useCarriedVariables(answers);
  useWrappedLines();
  useActiveTabInView();
  return null;
}

/** Write what one operation of a document found into the variables of the next. */
function useCarriedVariables(answers) {
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const { updateActiveTabValues } = useGraphiQLActions();

  useEffect(() => {
    if (!variableEditor) return undefined;
    const onResult = ({ detail }) => {
      const carried = carriedVariables(detail.documentAST, detail.result);
      if (Object.keys(carried).length === 0) return;
      let present = {};
      try {
        present = JSON.parse(variableEditor.getValue() || '{}');
      } catch {
        return; // what a person is typing is not overwritten
      }
      const text = JSON.stringify({ ...present, ...carried }, null, 2);
      variableEditor.setValue(text);
      updateActiveTabValues({ variables: text });
    };
    answers.addEventListener('result', onResult);
    return () => answers.removeEventListener('result', onResult);
  }, [answers, variableEditor, updateActiveTabValues]);
}

/** Comments and messages are sentences: wrap them rather than cut them off. */
function useWrappedLines() {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const responseEditor = useGraphiQL((state) => state.responseEditor);

  useEffect(() => {
    for (const editor of [queryEditor, responseEditor]) {
      editor?.updateOptions({ wordWrap: 'on', wrappingIndent: 'indent' });
    }
  }, [queryEditor, responseEditor]);
}

function useActiveTabInView() {
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  const title = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.title); // sets its width

  useEffect(() => {
    document.querySelector('.graphiql-tab-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [activeTabIndex, title]);
}
