/** What the console uses of the management API in the OpenAPI description: sessions, tasks, live streams, overview, agents, server. */
import { z } from 'zod';
import * as wire from '../../protocol/v1/schemas.ts';
import * as agents from '../admin/agent-contract.ts';
import * as captures from '../admin/capture-contract.ts';
import * as glances from '../admin/glance-contract.ts';
import * as live from '../admin/live-contract.ts';
import * as overview from '../admin/overview-contract.ts';
import * as push from '../admin/push-config-contract.ts';
import * as server from '../admin/server-contract.ts';
import * as session from '../admin/session-contract.ts';
import * as tasks from '../admin/task-contract.ts';
import { adminOperation, type Endpoint, jsonBody, queryParameters } from './openapi-server.ts';
import { type Json, jsonResponse, schemaRef } from './openapi-shared.ts';

/** Schemas that others hold, each told once. */
const SHARED: ReadonlyMap<z.core.$ZodType, string> = new Map<z.core.$ZodType, string>([
  [wire.taskSchema, 'Task'],
  [wire.messageSchema, 'Message'],
  [wire.partSchema, 'Part'],
  [wire.streamResponseSchema, 'StreamResponse'],
  [tasks.taskRowSchema, 'TaskRow'],
  [tasks.taskEventSchema, 'TaskEvent'],
  [session.sessionSchema, 'Session'],
  [push.pushConfigSchema, 'PushConfig'],
  [captures.captureSchema, 'Capture'],
  [captures.capturedFrameSchema, 'CapturedFrame'],
]);

function component(schema: z.ZodType, io: 'input' | 'output'): Json {
  const own = SHARED.get(schema);
  const { $schema: _dialect, ...body } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const name = SHARED.get(zodSchema);
      if (name === undefined || name === own) return;
      for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
      Object.assign(jsonSchema, schemaRef(name));
    },
  });
  return body;
}

export function consoleSchemas(): Record<string, Json> {
  const input = (schema: z.ZodType) => component(schema, 'input');
  const output = (schema: z.ZodType) => component(schema, 'output');
  const frames = Object.entries(live.liveFrameSchemas).map(([name, schema]) => ({ title: name, ...output(schema) }));
  return {
    SignInRequest: input(session.signInRequestSchema),
    Session: output(session.sessionSchema),
    WhoAmI: output(session.whoAmISchema),
    SessionList: output(session.sessionListSchema),
    TaskRow: output(tasks.taskRowSchema),
    TaskList: output(tasks.taskListSchema),
    TaskDetail: output(tasks.taskDetailSchema),
    TaskEvent: output(tasks.taskEventSchema),
    TaskEventPage: output(tasks.taskEventPageSchema),
    TaskGlances: output(glances.glancesSchema),
    RelatedTasks: output(tasks.relatedTasksSchema),
    FramePage: output(tasks.framePageSchema),
    CreatePushConfigRequest: input(push.createPushConfigRequestSchema),
    PushConfig: output(push.pushConfigSchema),
    PushConfigList: output(push.pushConfigListSchema),
    StartCaptureRequest: input(captures.startCaptureRequestSchema),
    Capture: output(captures.captureSchema),
    CaptureList: output(captures.captureListSchema),
    CapturedFrame: output(captures.capturedFrameSchema),
    CapturedFramePage: output(captures.capturedFramePageSchema),
    CreateTaskRequest: input(tasks.createTaskRequestSchema),
    ContinueTaskRequest: input(tasks.continueTaskRequestSchema),
    SendAnswer: output(tasks.sendAnswerSchema),
    CancelAnswer: output(tasks.cancelAnswerSchema),
    LiveFrame: { description: 'The data of a frame, by its name.', anyOf: frames },
    FollowTasksRequest: input(live.followTasksRequestSchema),
    Overview: output(overview.overviewSchema),
    AgentList: output(agents.agentListSchema),
    AgentDetail: output(agents.agentDetailSchema),
    Settings: output(server.settingsSchema),
    ServerHealth: output(server.healthSchema),
  };
}

const OWN = "Needs the scope `tasks:read`. One's own tasks; a key with the scope `admin` sees those of everybody.";
const WRITE = `Needs the scope \`tasks:write\`. With the cookie of a session: the header \`${session.CSRF_HEADER}\`, too.`;

const pathParameter = (name: string, description: string): Json => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string' },
});

export function consolePaths(isSecured: boolean): Record<string, Json> {
  const security = isSecured ? { security: [{ bearer: [] }, { apiKey: [] }, { session: [] }] } : {};
  const operation = (tag: string, endpoint: Omit<Endpoint, 'tag'>): Json => ({
    ...adminOperation({ tag, ...endpoint }),
    ...security,
  });
  return {
    ...sessionPaths((endpoint) => operation('Sessions', endpoint)),
    ...taskPaths((endpoint) => operation('Tasks', endpoint)),
    ...capturePaths((endpoint) => operation('Tasks', endpoint)),
    ...livePaths((endpoint) => operation('Tasks', endpoint)),
    ...serverPaths((endpoint) => operation('Server', endpoint)),
  };
}

type MakeOperation = (endpoint: Omit<Endpoint, 'tag'>) => Json;

function sessionPaths(operation: MakeOperation): Record<string, Json> {
  const answer = (description: string) => jsonResponse(description, schemaRef('WhoAmI'));
  return {
    '/api/v1/session': {
      get: {
        ...operation({
          operationId: 'getSession',
          summary: 'Who am I',
          description: 'Answers also where nobody is signed in. `csrfToken` is for requests that change something.',
          answers: { 200: answer('Who this request is from.') },
        }),
        security: [{}, { bearer: [] }, { apiKey: [] }, { session: [] }],
      },
      post: {
        ...operation({
          operationId: 'signIn',
          summary: 'Exchange a key for the cookie of a session',
          description:
            'For people with browsers. The cookie is HttpOnly and SameSite=Strict, and opens `/api/v1` only. The session ends with its key.',
          body: jsonBody('SignInRequest', { key: 'pk_...' }, true),
          answers: { 201: answer('Signed in.') },
          errors: ['CONFLICT'],
        }),
        security: [{}],
      },
      delete: operation({
        operationId: 'signOut',
        summary: 'End the session of this request',
        description: WRITE.replace('Needs the scope `tasks:write`. ', ''),
        answers: { 204: { description: 'Signed out.' } },
      }),
    },
    '/api/v1/sessions': {
      get: operation({
        operationId: 'listSessions',
        summary: 'List sessions in force',
        description: "One's own, newest first; with `all` those of everybody, for the admin.",
        parameters: queryParameters(session.listSessionsQuerySchema),
        answers: { 200: jsonResponse('The sessions.', schemaRef('SessionList')) },
        errors: ['INVALID_PARAMS'],
      }),
    },
    '/api/v1/sessions/{id}': {
      delete: operation({
        operationId: 'endSession',
        summary: 'End a session',
        description: "One's own; the admin any. Live streams that it opened end too.",
        parameters: [pathParameter('id', 'Id of a session.')],
        answers: { 204: { description: 'Ended.' } },
      }),
    },
  };
}

function taskPaths(operation: MakeOperation): Record<string, Json> {
  const id = pathParameter('id', 'Id of a task.');
  const read = (operationId: string, summary: string, schema: string, query?: z.ZodType): Json =>
    operation({
      operationId,
      summary,
      description: OWN,
      parameters: [id, ...(query === undefined ? [] : queryParameters(query))],
      answers: { 200: jsonResponse('What was asked for.', schemaRef(schema)) },
      errors: ['TASK_NOT_FOUND', 'INVALID_PARAMS'],
    });
  return {
    '/api/v1/tasks': {
      get: operation({
        operationId: 'browseTasks',
        summary: 'List tasks across agents',
        description: OWN,
        parameters: queryParameters(tasks.listTasksQuerySchema),
        answers: { 200: jsonResponse('A page of tasks, newest status first.', schemaRef('TaskList')) },
        errors: ['INVALID_PARAMS'],
      }),
      post: operation({
        operationId: 'createTask',
        summary: 'Give an agent work',
        description: WRITE,
        body: jsonBody('CreateTaskRequest', { agentId: 'echo', message: { parts: [{ text: 'hello' }] } }, true),
        answers: { 201: jsonResponse('The task, or a message.', schemaRef('SendAnswer')) },
        errors: ['IDEMPOTENCY_CONFLICT', 'LIMIT_EXCEEDED', 'CONTENT_TYPE_NOT_SUPPORTED'],
      }),
    },
    '/api/v1/task-glances': {
      get: operation({
        operationId: 'glanceAtTasks',
        summary: 'See the rate of events of tasks, and where in the queue they wait',
        description: `${OWN} For lists: of the tasks in view.`,
        parameters: queryParameters(glances.glancesQuerySchema),
        answers: { 200: jsonResponse('Those of the tasks that may be seen.', schemaRef('TaskGlances')) },
        errors: ['INVALID_PARAMS'],
      }),
    },
    '/api/v1/tasks/{id}': { get: read('inspectTask', 'Get a task with its diagnostics', 'TaskDetail') },
    '/api/v1/tasks/{id}/events': {
      get: read('listTaskEvents', 'List the events of a task', 'TaskEventPage', tasks.taskEventsQuerySchema),
    },
    '/api/v1/tasks/{id}/frames': {
      get: read('listTaskFrames', 'See a task as it looks on the wire', 'FramePage', tasks.framesQuerySchema),
    },
    '/api/v1/tasks/{id}/related': { get: read('listRelatedTasks', 'List the tasks of its context', 'RelatedTasks') },
    '/api/v1/tasks/{id}/messages': {
      post: operation({
        operationId: 'continueTask',
        summary: 'Answer a task that asks for input',
        description: `${WRITE} The admin may answer for the owner, which is logged.`,
        parameters: [id],
        body: jsonBody('ContinueTaskRequest', { message: { parts: [{ text: 'Oslo' }] } }, true),
        answers: { 200: jsonResponse('The task, or a message.', schemaRef('SendAnswer')) },
        errors: ['TASK_NOT_FOUND', 'UNSUPPORTED_OPERATION', 'IDEMPOTENCY_CONFLICT', 'LIMIT_EXCEEDED'],
      }),
    },
    '/api/v1/tasks/{id}/push-configs': {
      get: read('listPushConfigs', 'List who is told of a task', 'PushConfigList', push.listPushConfigsQuerySchema),
      post: operation({
        operationId: 'createPushConfig',
        summary: 'Have the events of a task sent to an address',
        description: `${WRITE} The admin may for the owner, which is logged. Secrets are shown to nobody again.`,
        parameters: [id],
        body: jsonBody('CreatePushConfigRequest', { url: 'https://receiver.example/hook' }, true),
        answers: { 201: jsonResponse('The configuration, without its secrets.', schemaRef('PushConfig')) },
        errors: ['TASK_NOT_FOUND', 'PUSH_NOTIFICATION_NOT_SUPPORTED', 'LIMIT_EXCEEDED'],
      }),
    },
    '/api/v1/tasks/{id}/push-configs/{configId}': {
      delete: operation({
        operationId: 'deletePushConfig',
        summary: 'Send nothing more to an address, not even what waits',
        description: `${WRITE} The admin may for the owner, which is logged.`,
        parameters: [id, pathParameter('configId', 'Id of a push configuration.')],
        answers: { 204: { description: 'Deleted, or not there.' } },
        errors: ['TASK_NOT_FOUND', 'PUSH_NOTIFICATION_NOT_SUPPORTED'],
      }),
    },
    '/api/v1/tasks/{id}/cancel': {
      post: operation({
        operationId: 'cancelAnyTask',
        summary: 'Cancel a task',
        description: `${WRITE} The admin may cancel any, which is logged.`,
        parameters: [id],
        answers: { 200: jsonResponse('The canceled task.', schemaRef('CancelAnswer')) },
        errors: ['TASK_NOT_FOUND', 'TASK_NOT_CANCELABLE'],
      }),
    },
  };
}

function capturePaths(operation: MakeOperation): Record<string, Json> {
  const id = pathParameter('id', 'Id of a capture.');
  const own = 'Needs the scope `tasks:read`. Those that the key has started; the admin sees all.';
  const frames = (operationId: string, summary: string, of: Json): Json =>
    operation({
      operationId,
      summary,
      description: OWN,
      parameters: [of, ...queryParameters(captures.captureFramesQuerySchema)],
      answers: {
        200: jsonResponse('A page of frames, in the order of their storing.', schemaRef('CapturedFramePage')),
      },
      errors: ['INVALID_PARAMS'],
    });
  return {
    '/api/v1/captures': {
      get: operation({
        operationId: 'listCaptures',
        summary: 'List captures of wire frames',
        description: own,
        answers: { 200: jsonResponse('The captures.', schemaRef('CaptureList')) },
      }),
      post: operation({
        operationId: 'startCapture',
        summary: 'Capture what goes over the wire for some minutes',
        description: `${WRITE} Calls of agents that begin from now on; a key without the scope \`admin\` captures its own only.`,
        body: jsonBody('StartCaptureRequest', { agentId: 'echo', minutes: 10 }, true),
        answers: { 201: jsonResponse('The capture.', schemaRef('Capture')) },
        errors: ['LIMIT_EXCEEDED'],
      }),
    },
    '/api/v1/captures/{id}': {
      get: operation({
        operationId: 'getCapture',
        summary: 'Get a capture',
        description: own,
        parameters: [id],
        answers: { 200: jsonResponse('The capture.', schemaRef('Capture')) },
      }),
      delete: operation({
        operationId: 'endCapture',
        summary: 'End a capture',
        description: `${WRITE} Its frames stay. One that is over is forgotten with its frames.`,
        parameters: [id],
        answers: { 204: { description: 'Ended, or forgotten.' } },
      }),
    },
    '/api/v1/captures/{id}/frames': { get: frames('listCaptureFrames', 'List the frames of a capture', id) },
    '/api/v1/tasks/{id}/captured-frames': {
      get: frames('listCapturedTaskFrames', 'List captured frames of a task', pathParameter('id', 'Id of a task.')),
    },
  };
}

function livePaths(operation: MakeOperation): Record<string, Json> {
  return {
    '/api/v1/live': {
      get: operation({
        operationId: 'openLiveStream',
        summary: 'Follow the list of tasks, and any of them, in one stream',
        description: `${OWN} Server-sent events: \`event\` is the name of a frame, \`data\` its JSON. To resume, name the tasks and the last event of each that you have.`,
        parameters: queryParameters(live.liveQuerySchema),
        answers: {
          200: {
            description: `Frames: ${Object.keys(live.liveFrameSchemas).join(', ')}.`,
            content: { 'text/event-stream': { schema: schemaRef('LiveFrame') } },
          },
        },
        errors: ['INVALID_PARAMS', 'LIMIT_EXCEEDED'],
      }),
    },
    '/api/v1/live/{liveId}/tasks': {
      post: operation({
        operationId: 'followTasks',
        summary: 'Change what an open live stream follows',
        description: 'What cannot be followed is told in the stream.',
        parameters: [pathParameter('liveId', 'From the frame `hello`.')],
        body: jsonBody('FollowTasksRequest', { add: [], remove: [] }, true),
        answers: { 204: { description: 'Taken.' } },
      }),
    },
  };
}

function serverPaths(operation: MakeOperation): Record<string, Json> {
  return {
    '/api/v1/overview': {
      get: operation({
        operationId: 'getOverview',
        summary: 'What is running, failing, waiting for a person',
        description: `${OWN} The numbers of the process itself are for the admin.`,
        parameters: queryParameters(overview.overviewQuerySchema),
        answers: { 200: jsonResponse('The overview.', schemaRef('Overview')) },
        errors: ['INVALID_PARAMS'],
      }),
    },
    '/api/v1/agents': {
      get: operation({
        operationId: 'listAgents',
        summary: 'List the agents that the caller may use',
        description: OWN,
        answers: { 200: jsonResponse('The agents.', schemaRef('AgentList')) },
      }),
    },
    '/api/v1/agents/{agentId}': {
      get: operation({
        operationId: 'getAgent',
        summary: 'Get an agent with its card and what checks say of it',
        description: OWN,
        parameters: [pathParameter('agentId', 'Id of an agent.')],
        answers: { 200: jsonResponse('The agent.', schemaRef('AgentDetail')) },
      }),
    },
    '/api/v1/settings': {
      get: operation({
        operationId: 'getSettings',
        summary: 'The configuration in force, secrets masked',
        answers: { 200: jsonResponse('Every key.', schemaRef('Settings')) },
      }),
    },
    '/api/v1/health': {
      get: operation({
        operationId: 'getServerHealth',
        summary: 'How this server is: database, migrations, listeners, versions',
        answers: { 200: jsonResponse('The server.', schemaRef('ServerHealth')) },
      }),
    },
  };
}
