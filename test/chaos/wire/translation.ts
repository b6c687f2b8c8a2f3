/**
 * What comes over the wire in 0.3, and out of protobuf, in the JSON of 1.0, so that all answers are judged alike. Written
 * from the two documents, and not taken from the program that is judged.
 */

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const EVENT_OF_KIND: Readonly<Record<string, string>> = {
  task: 'task',
  message: 'message',
  'status-update': 'statusUpdate',
  'artifact-update': 'artifactUpdate',
};

/** A Task, an event or the result of a send of 0.3: as JSON-RPC has it, or in ProtoJSON as REST and gRPC do. */
export function fromV03(value: unknown): unknown {
  const event = isFields(value) ? EVENT_OF_KIND[String(value['kind'])] : undefined;
  return event === undefined ? renamed(value) : { [event]: renamed(value) };
}

/** A Task of 0.3 by itself: the answer to GetTask and CancelTask, and what is pushed. */
export function taskFromV03(value: unknown): unknown {
  return renamed(value);
}

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (!isFields(value)) return value;
  const fields = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    // 1.0 has neither; where a task has no context, 0.3 says so by an empty one.
    if (name === 'kind' || name === 'final' || (name === 'contextId' && field === '')) return [];
    if (name === 'metadata') return [[name, field]];
    if (name === 'state') return [[name, stateOf(String(field))]];
    if (name === 'role') return [[name, roleOf(String(field))]];
    return [[name === 'content' ? 'parts' : name, renamed(field)]];
  });
  return Object.fromEntries(fields);
}

function stateOf(state: string): string {
  const name = state.startsWith('TASK_STATE_') ? state : `TASK_STATE_${state.replace('-', '_').toUpperCase()}`;
  // The definition of 0.3 for protobuf spells it with two l.
  return name.replace('CANCELLED', 'CANCELED');
}

function roleOf(role: string): string {
  return role.startsWith('ROLE_') ? role : `ROLE_${role.toUpperCase()}`;
}

/** What is left of something of 1.0 in 0.3, where only files have a media type and a name. */
export function carriedByV03(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(carriedByV03);
  if (!isFields(value)) return value;
  const isLabel = (name: string): boolean => 'text' in value && (name === 'mediaType' || name === 'filename');
  const fields = Object.entries(value).filter(([name]) => !isLabel(name));
  return Object.fromEntries(fields.map(([name, field]) => [name, name === 'metadata' ? field : carriedByV03(field)]));
}

/** A message as the protobuf library reads it: times, structs and one name are not yet what JSON has. */
export function fromProtobuf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromProtobuf);
  if (!isFields(value)) return value;
  const fields = Object.entries(value).map(([name, field]): [string, unknown] => {
    if (name === 'timestamp') return [name, timeOf(field as { seconds?: string; nanos?: number })];
    if (name === 'metadata') return [name, structOf(field as Struct)];
    // 0.3 calls the message of a status and of an answer so; in JSON it is `message` in both versions.
    return [name === 'update' || name === 'msg' ? 'message' : name, fromProtobuf(field)];
  });
  return Object.fromEntries(fields);
}

function timeOf({ seconds = '0', nanos = 0 }: { readonly seconds?: string; readonly nanos?: number }): string {
  return new Date(Number(seconds) * 1000 + nanos / 1e6).toISOString();
}

interface Struct {
  readonly fields?: Readonly<Record<string, Value>>;
}

interface Value {
  readonly structValue?: Struct;
  readonly listValue?: { readonly values?: readonly Value[] };
  readonly stringValue?: string;
  readonly numberValue?: number;
  readonly boolValue?: boolean;
}

function structOf({ fields = {} }: Struct): unknown {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, valueOf(value)]));
}

function valueOf({ structValue, listValue, stringValue, numberValue, boolValue }: Value): unknown {
  if (structValue !== undefined) return structOf(structValue);
  if (listValue !== undefined) return (listValue.values ?? []).map(valueOf);
  return stringValue ?? numberValue ?? boolValue ?? null;
}
