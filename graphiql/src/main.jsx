import { StrictMode, useCallback, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import 'graphiql/setup-workers/vite';
import '@graphiql/react/font/fira-code.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './page.css';
import { Companion } from './companion.jsx';
import { examplesPlugin, loadExamples } from './examples.jsx';
import { createFetcher } from './fetcher.js';
import { Header } from './header.jsx';
import { readKey, takeKeyFromAddress, writeKey } from './key.js';

// More tabs than fit side by side would hide the first; the Examples pane lists them all.
const OPEN_AT_FIRST = 5;

takeKeyFromAddress();
const answers = new EventTarget();

function Page({ examples, problem }) {
  const [apiKey, setApiKey] = useState(readKey);
  const [status, setStatus] = useState(null);

  const useKey = useCallback((key) => {
    writeKey(key);
    setStatus(null);
    setApiKey(key);
  }, []);

  useEffect(() => {
    const onHash = () => takeKeyFromAddress() && useKey(readKey());
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, [useKey]);

  const fetcher = useMemo(
    () =>
      createFetcher({
        key: apiKey,
        onAnswer: (answer) => setStatus(answer.status),
        onResult: (detail) => answers.dispatchEvent(new CustomEvent('result', { detail })),
      }),
    [apiKey],
  );
  const plugins = useMemo(() => [examplesPlugin(examples, problem), HISTORY_PLUGIN], [examples, problem]);
  const firstTabs = useMemo(() => examples.slice(0, OPEN_AT_FIRST).map(({ query }) => ({ query })), [examples]);

  return (
    <>
      <Header apiKey={apiKey} status={status} onKey={useKey} />
      <GraphiQL
        fetcher={fetcher}
        plugins={plugins}
        visiblePlugin="Examples"
        defaultTabs={firstTabs.length > 0 ? firstTabs : undefined}
        defaultEditorToolsVisibility="variables"
        shouldPersistHeaders={false}
        showPersistHeadersSettings={false}
        inputValueDeprecation
        schemaDescription
      >
        <GraphiQL.Logo>
          <Companion answers={answers} />
        </GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

const examples = await loadExamples().then(
  (loaded) => ({ examples: loaded, problem: '' }),
  (error) => ({ examples: [], problem: error.message }),
);
createRoot(document.getElementById('page')).render(
  <StrictMode>
    <Page {...examples} />
  </StrictMode>,
);
