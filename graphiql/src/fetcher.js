import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { Kind, parse } from 'graphql';
import { createClient } from 'graphql-ws';

const HTTP_PATH = window.location.pathname;
const WS_URL = `${window.location.protocol === 'https:' ? 'wss' : 'ws'}://${window.location.host}${HTTP_PATH}`;

/**
 * How this page asks: POST with `X-API-Key`, subscriptions by `graphql-transport-ws` on the same path.
 *
 * onAnswer({status}): after every HTTP answer; status 0 when the server could not be reached.
 * onResult({documentAST, result}): after every answered query or mutation that a person ran.
 */
export function createFetcher({ key, onAnswer, onResult }) {
  const ask = createGraphiQLFetcher({
    url: HTTP_PATH,
    headers: key ? { 'X-API-Key': key } : {},
    fetch: (url, init) => readableFetch(url, init, onAnswer),
    wsClient: createClient({ url: WS_URL, lazy: true, connectionParams: key ? { apiKey: key } : {} }),
    enableIncrementalDelivery: false,
  });
  return async (params, options) => {
    const asked = understood(params, options);
    const answer = await ask(asked.params, asked.options);
    if (options?.documentAST && answer?.data) {
      onResult({ documentAST: asked.options.documentAST, result: answer.data });
    }
    return answer;
  };
}

/**
 * The document and the operation's name from the text itself: what the editor knows of it lags behind
 * fast hands, and by these a subscription is told from a query.
 */
function understood(params, options) {
  let documentAST;
  try {
    documentAST = parse(params.query);
  } catch {
    return { params, options: options ?? {} }; // the server says what is wrong with it
  }
  const names = documentAST.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).map(({ name }) => name?.value);
  const operationName = names.includes(params.operationName) || names.length !== 1 ? params.operationName : names[0];
  return { params: { ...params, operationName }, options: { ...options, documentAST } };
}

/** `fetch`, but what is no JSON becomes an error object that the result pane can show. */
async function readableFetch(url, init, onAnswer) {
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    onAnswer({ status: 0 });
    return asJson({ message: `sloengine could not be reached at ${window.location.origin}.`, cause: error.message });
  }
  onAnswer({ status: response.status });
  if (/json/.test(response.headers.get('content-type') ?? '')) return response;
  const text = (await response.text()).slice(0, 500);
  return asJson({ message: `HTTP ${response.status} ${response.statusText}`.trim(), body: text });
}

function asJson(error) {
  return new Response(JSON.stringify({ errors: [error] }), { headers: { 'content-type': 'application/json' } });
}
