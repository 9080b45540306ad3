import { useState } from 'react';

/** The bar above GraphiQL: the product's name, and the key that every request carries. */
export function Header({ apiKey, status, onKey }) {
  const [editing, setEditing] = useState(false);
  const [draft, setDraft] = useState('');
  const hint = hintFor(status, apiKey);
  const asking = editing || !apiKey || status === 401;

  function save(event) {
    event.preventDefault();
    const key = draft.trim();
    if (!key) return;
    onKey(key);
    setDraft('');
    setEditing(false);
  }

  return (
    <header className="slo-header">
      <h1>
        <Mark /> sloengine <small>GraphQL</small>
      </h1>
      {hint && (
        <p className="slo-hint" role="alert">
          {hint}
        </p>
      )}
      {asking ? (
        <form onSubmit={save}>
          <label htmlFor="slo-key">API key</label>
          <input
            id="slo-key"
            type="password"
            autoComplete="off"
            spellCheck="false"
            placeholder="paste a key"
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
          />
          <button type="submit" disabled={!draft.trim()}>
            Use
          </button>
          {editing && (
            <button type="button" onClick={() => setEditing(false)}>
              Cancel
            </button>
          )}
        </form>
      ) : (
        <div className="slo-key">
          <span title="Kept in this browser tab only">API key {masked(apiKey)}</span>
          <button type="button" onClick={() => setEditing(true)}>
            Change
          </button>
          <button type="button" onClick={() => onKey('')}>
            Forget
          </button>
        </div>
      )}
    </header>
  );
}

function hintFor(status, apiKey) {
  if (status === 0) return 'sloengine cannot be reached. Is it still running?';
  if (status === 401 && apiKey) return 'This key was not accepted (401). It may be of another installation: take the one that sloengine printed when it started.';
  if (status === 403) return 'This key may not do that (403).';
  if (status === 429) return 'Too many requests for now (429). Wait a moment and run it again.';
  if (!apiKey) return 'No API key yet: paste one, or open the address that sloengine printed when it started.';
  return '';
}

function masked(key) {
  return key.length > 8 ? `••••${key.slice(-4)}` : '••••';
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <path d="M5 22a11 11 0 1 1 22 0" fill="none" stroke="currentColor" strokeWidth="4" strokeLinecap="round" opacity=".3" />
      <path d="M5 22a11 11 0 0 1 18.8-7.8" fill="none" stroke="hsl(158 64% 42%)" strokeWidth="4" strokeLinecap="round" />
      <path d="M16 22 22 15" stroke="currentColor" strokeWidth="3" strokeLinecap="round" />
      <circle cx="16" cy="22" r="3" fill="currentColor" />
    </svg>
  );
}
