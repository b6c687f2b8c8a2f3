/** What a frame says in a few words: what all of them have in common comes last, or not at all. Pure. */

/** Of a JSON-RPC request, its method; of an event or an answer, what it is, which state or artifact, and the words in it. */
export function gistOf(body: string): string {
  const data = /^data: ?(.*)$/m.exec(body)?.[1] ?? body;
  const json = parse(data);
  const method = member(json, 'method');
  if (typeof method === 'string') return method;
  const payload = member(json, 'result') ?? member(json, 'error') ?? json;
  const kind = member(payload, 'kind');
  if (typeof kind === 'string') return words(kind, payload);
  // What is said is under its name.
  const name = Object.keys(isObject(payload) ? payload : {}).find((key) => NAMES.has(key));
  return name === undefined ? data.slice(0, MAX_CHARS) : words(name, member(payload, name));
}

const MAX_CHARS = 300;
const NAMES: ReadonlySet<string> = new Set(['task', 'message', 'statusUpdate', 'artifactUpdate']);

function words(name: string, said: unknown): string {
  const status = member(said, 'status');
  const artifact = member(said, 'artifact');
  const parts = [artifact, member(status, 'message'), said]
    .map((holder) => member(holder, 'parts'))
    .find(Array.isArray);
  const texts = (parts ?? []).map((part: unknown) => member(part, 'text'));
  return [name, member(status, 'state'), member(artifact, 'name') ?? member(artifact, 'artifactId'), ...texts]
    .filter((word) => typeof word === 'string')
    .join(' ')
    .slice(0, MAX_CHARS);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function member(value: unknown, name: string): unknown {
  return isObject(value) ? Reflect.get(value, name) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
