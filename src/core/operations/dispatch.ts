/** One decoded call to its operation: the same for every binding. */
import type { Codec, OperationCall } from '../../protocol/codec.ts';
import { AppError } from '../../protocol/errors.ts';
import type { ExtendedCards } from '../agents/extended-cards.ts';
import type { PushConfigs } from '../push/push-configs.ts';
import type { StreamResult, StreamSink, TaskService } from '../tasks/service.ts';
import type { Call } from './call.ts';

/** All operations of A2A. */
export interface Operations {
  readonly tasks: TaskService;
  readonly push: PushConfigs;
  readonly cards: ExtendedCards;
}

export function isStreaming(operation: OperationCall['operation']): boolean {
  return operation === 'SendStreamingMessage' || operation === 'SubscribeToTask';
}

/** Runs an operation with one answer, and returns that as this version's JSON text. */
export async function answer(
  operations: Operations,
  codec: Codec,
  call: Call,
  request: OperationCall,
): Promise<string> {
  const { tasks, push, cards } = operations;
  switch (request.operation) {
    case 'SendMessage':
      return codec.encodeSendResult(await tasks.send(call, request.request));
    case 'GetTask':
      return codec.encodeTask(await tasks.get(call, request.request));
    case 'ListTasks':
      return codec.encodeTaskPage(await tasks.list(call, request.request));
    case 'CancelTask':
      return codec.encodeTask(await tasks.cancel(call, request.request));
    case 'CreateTaskPushNotificationConfig':
      return codec.encodePushConfig(await push.create(call, request.request));
    case 'GetTaskPushNotificationConfig':
      return codec.encodePushConfig(await push.get(call, request.request));
    case 'ListTaskPushNotificationConfigs': {
      const page = await push.list(call, request.request);
      return codec.encodePushConfigs(page.configs, page.nextPageToken);
    }
    case 'DeleteTaskPushNotificationConfig':
      await push.delete(call, request.request);
      return codec.encodeDeleted();
    case 'GetExtendedAgentCard':
      return codec.encodeCard(await cards.get(call));
    case 'SendStreamingMessage':
    case 'SubscribeToTask':
      throw new AppError('INTERNAL', 'Internal error', { detail: `${request.operation} answers with a stream` });
  }
}

/** Runs a streaming operation into `sink`. Rejects before anything was sent, or not at all. */
export async function stream(
  { tasks }: Operations,
  call: Call,
  request: OperationCall,
  sink: StreamSink,
): Promise<StreamResult> {
  if (request.operation === 'SendStreamingMessage') return tasks.stream(call, request.request, sink);
  if (request.operation === 'SubscribeToTask') return tasks.subscribe(call, request.request, sink);
  throw new AppError('INTERNAL', 'Internal error', { detail: `${request.operation} does not stream` });
}
