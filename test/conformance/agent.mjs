// @ts-check
/**
 * The agent under test of the official conformance kit: the beginning of a message's id says what it does. The kit's
 * scenarios name the beginnings and what each must cause; whatever else comes is completed with an answer.
 */

/** @typedef {import('../../src/core/tasks/executor.ts').AgentEvent} AgentEvent */
/** @typedef {import('../../src/core/tasks/executor.ts').Run} Run */
/** @typedef {import('../../src/core/agents/registry.ts').Agent} Agent */
/** @typedef {import('../../src/protocol/v1/types.ts').Part} Part */
/** @typedef {Extract<AgentEvent, { type: 'artifact' }>} ArtifactEvent */

/** The extension that the profile `required-extension` asks for. */
export const REQUIRED_EXTENSION = 'urn:a2a:tck:required-extension';

/** What each profile declares. `streaming-push` is the card with everything that the kit tests by default. */
export const PROFILES = /** @type {const} */ ({
  'streaming-push': { streaming: true, pushNotifications: true, extendedAgentCard: false },
  plain: { streaming: false, pushNotifications: false, extendedAgentCard: false },
  'required-extension': {
    streaming: true,
    pushNotifications: true,
    extendedAgentCard: false,
    extensions: [{ uri: REQUIRED_EXTENSION, description: 'Must be activated by every client', required: true }],
  },
  'extended-card': { streaming: true, pushNotifications: true, extendedAgentCard: true },
});

/** @typedef {keyof typeof PROFILES} Profile */

/** The kit's own default of TCK_STREAMING_TIMEOUT; a task to resubscribe to must run for twice that. */
const STREAMING_TIMEOUT_MS = 2000;
/** Until it is canceled. */
const WORK_MS = 86_400_000;

const needsAuthorization = { parts: [{ text: 'Authorize the agent at https://example.com/authorize' }] };

/** @type {AgentEvent} */
const working = { type: 'status', state: 'TASK_STATE_WORKING' };
/** @type {AgentEvent} */
const inputRequired = { type: 'status', state: 'TASK_STATE_INPUT_REQUIRED' };
/** @type {AgentEvent} */
const completed = { type: 'status', state: 'TASK_STATE_COMPLETED' };

/** @param {string} text @returns {AgentEvent} */
const completedWith = (text) => ({ ...completed, message: { parts: [{ text }] } });

/** @param {string} name @param {Part} part @param {Pick<ArtifactEvent, 'append' | 'lastChunk'>} [chunk] @returns {AgentEvent} */
const artifact = (name, part, chunk = { lastChunk: true }) => ({
  type: 'artifact',
  artifact: { artifactId: name, name, parts: [part] },
  ...chunk,
});

const textFile = { filename: 'output.txt', mediaType: 'text/plain' };
const raw = Buffer.from('Generated file content').toString('base64');

/** @param {Part} part */
const streamed = (part) => [working, artifact('output', part), completed];

/** The first beginning that fits counts. @type {readonly (readonly [prefix: string, events: readonly AgentEvent[]])[]} */
const SCENARIOS = [
  ['tck-complete-task', [completedWith('Hello from TCK')]],
  ['tck-artifact-text', [artifact('output', { text: 'Generated text content' }), completed]],
  ['tck-artifact-file-url', [artifact('output', { url: 'https://example.com/output.txt', ...textFile }), completed]],
  ['tck-artifact-file', [artifact('output', { raw, ...textFile }), completed]],
  ['tck-artifact-data', [artifact('output', { data: { key: 'value', count: 42 } }), completed]],
  ['tck-message-response', [{ type: 'message', message: { parts: [{ text: 'Direct message response' }] } }]],
  ['tck-input-required', [inputRequired]],
  ['tck-reject-task', [{ type: 'status', state: 'TASK_STATE_REJECTED', message: { parts: [{ text: 'rejected' }] } }]],
  ['tck-stream-001', streamed({ text: 'Stream hello from TCK' })],
  ['tck-stream-002', [completed]],
  ['tck-stream-003', streamed({ text: 'Stream task lifecycle' })],
  ['tck-stream-ordering-001', streamed({ text: 'Ordered output' })],
  ['tck-stream-artifact-text', streamed({ text: 'Streamed text content' })],
  ['tck-stream-artifact-file', streamed({ raw, ...textFile })],
  [
    'tck-stream-artifact-chunked',
    [
      working,
      artifact('output', { text: 'chunk-1 ' }, { append: false, lastChunk: false }),
      artifact('output', { text: 'chunk-2' }, { append: true, lastChunk: true }),
      completed,
    ],
  ],
  // Our own: what no scenario of the kit asks for.
  ['own-auth-required', [{ type: 'status', state: 'TASK_STATE_AUTH_REQUIRED', message: needsAuthorization }]],
  ['own-fail', [{ type: 'status', state: 'TASK_STATE_FAILED', message: { parts: [{ text: 'failed' }] } }]],
];

/** @param {Run} run @returns {AsyncGenerator<AgentEvent>} */
async function* execute(run) {
  const { messageId } = run.message;
  if (messageId.startsWith('test-resubscribe-message-id')) {
    yield working;
    await run.sleep(2 * STREAMING_TIMEOUT_MS);
    yield completed;
    return;
  }
  if (messageId.startsWith('own-work')) {
    yield working;
    await run.sleep(WORK_MS);
    yield completed;
    return;
  }
  const scenario = SCENARIOS.find(([prefix]) => messageId.startsWith(prefix));
  if (scenario !== undefined) {
    yield* scenario[1];
    return;
  }
  yield working;
  // The kit of 1.0 takes a task for finished, that of 0.3 goes on with it: it cancels it, or sends the next message.
  if (messageId.startsWith('tck-')) yield completedWith(`Received ${messageId}`);
  else yield inputRequired;
}

/** @param {Profile} profile @returns {Agent} */
export function agentUnderTest(profile) {
  const { extensions, ...capabilities } = { extensions: [], ...PROFILES[profile] };
  return {
    id: 'tck',
    description: {
      name: 'Parley, agent under test',
      description: 'Does what the official conformance kit tells it by the id of a message',
      version: '1.0.0',
      capabilities: { ...capabilities, ...(extensions.length === 0 ? {} : { extensions: [...extensions] }) },
      defaultInputModes: ['text/plain', 'application/json', 'image/*', 'application/pdf', 'application/octet-stream'],
      defaultOutputModes: ['text/plain', 'application/json'],
      skills: [
        {
          id: 'tck',
          name: 'Conformance',
          description: 'Answers the messages of the conformance kit',
          tags: ['conformance'],
          examples: ['hello'],
        },
      ],
    },
    executor: { execute, recovery: 'fail', effects: 'none', replies: 'either', maxDurationMs: 0 },
  };
}
