import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

const EXAMPLES_PATH = `${window.location.pathname.replace(/\/$/, '')}/examples`;

/** The example operations, in reading order: [{name, title, description, kind, query}]. */
export async function loadExamples() {
  const response = await fetch(EXAMPLES_PATH);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()).examples;
}

const HEADINGS = { query: 'Ask', mutation: 'Change' };

/** A plugin for the left pane which lists the examples; a click opens one in a tab. */
export function examplesPlugin(examples, problem) {
  function Examples() {
    const { addTab, changeTab } = useGraphiQLActions();
    const { tabs, queryEditor, variableEditor } = useGraphiQL(pickEditors);

    function open(example) {
      const index = tabs.findIndex((tab) => tab.query === example.query);
      if (index >= 0) {
        changeTab(index);
        return;
      }
      addTab();
      queryEditor?.setValue(example.query);
      variableEditor?.setValue('');
      queryEditor?.setScrollTop(0);
    }

    return (
      <section className="slo-examples" aria-label="Examples">
        <h2>Examples</h2>
        {problem ? (
          <p className="slo-problem">The examples could not be loaded ({problem}).</p>
        ) : (
          <p>
            Each runs as it stands: open one, press ▶. Where one holds two operations, run the first; the page fills
            in the id which the second needs.
          </p>
        )}
        {Object.entries(HEADINGS).map(([kind, heading]) => (
          <div key={kind}>
            <h3>{heading}</h3>
            <ul>
              {examples
                .filter((example) => example.kind === kind)
                .map((example) => (
                  <li key={example.name}>
                    <button type="button" onClick={() => open(example)}>
                      <strong>{example.title}</strong>
                      <span>{example.description}</span>
                    </button>
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </section>
    );
  }

  return { title: 'Examples', icon: ExamplesIcon, content: Examples };
}

function pickEditors({ tabs, queryEditor, variableEditor }) {
  return { tabs, queryEditor, variableEditor };
}

function ExamplesIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round">
      <path d="M9 18h6M10 21h4M12 3a6 6 0 0 0-3.6 10.8c.7.5 1.1 1.3 1.1 2.2h5c0-.9.4-1.7 1.1-2.2A6 6 0 0 0 12 3Z" />
    </svg>
  );
}
