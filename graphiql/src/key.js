// The API key of this browser tab. It arrives in the fragment of the address (`/graphql#key=…`), which
// browsers never send to a server, and it leaves the visible address at once.
const STORAGE_NAME = 'sloengine.apiKey';

/** Move a key from the address's fragment into this tab's session; returns whether there was one. */
export function takeKeyFromAddress() {
  const fragment = new URLSearchParams(window.location.hash.slice(1));
  const key = fragment.get('key')?.trim();
  if (!key) return false;
  writeKey(key);
  fragment.delete('key');
  const rest = fragment.toString();
  window.history.replaceState(
    window.history.state,
    '',
    window.location.pathname + window.location.search + (rest ? `#${rest}` : ''),
  );
  return true;
}

export function readKey() {
  return window.sessionStorage.getItem(STORAGE_NAME) ?? '';
}

export function writeKey(key) {
  if (key) window.sessionStorage.setItem(STORAGE_NAME, key);
  else window.sessionStorage.removeItem(STORAGE_NAME);
}
