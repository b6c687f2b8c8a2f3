/** One decoded call to its operation: the same for JSON-RPC and REST. */
import type { Call, StreamResult, StreamSink, TaskService } from '../../core/tasks/service.ts';
import type { Codec, OperationCall } from '../../protocol/codec.ts';
import { AppError } from '../../protocol/errors.ts';

export function isStreaming(operation: OperationCall['operation']): boolean {
  return operation === 'SendStreamingMessage' || operation === 'SubscribeToTask';
}

/** Runs an operation with one answer, and returns that as this version's JSON text. */
export async function answer(service: TaskService, codec: Codec, call: Call, request: OperationCall): Promise<string> {
  switch (request.operation) {
    case 'SendMessage':
      return codec.encodeSendResult(await service.send(call, request.request));
    case 'GetTask':
      return codec.encodeTask(await service.get(call, request.request));
    case 'ListTasks':
      return codec.encodeTaskPage(await service.list(call, request.request));
    case 'CancelTask':
      return codec.encodeTask(await service.cancel(call, request.request));
    case 'CreateTaskPushNotificationConfig':
    case 'DeleteTaskPushNotificationConfig':
      return service.push(call, 'push.write');
    case 'GetTaskPushNotificationConfig':
    case 'ListTaskPushNotificationConfigs':
      return service.push(call, 'push.read');
    case 'GetExtendedAgentCard':
      return service.extendedCard(call);
    case 'SendStreamingMessage':
    case 'SubscribeToTask':
      throw new AppError('INTERNAL', 'Internal error', { detail: `${request.operation} answers with a stream` });
  }
}

/** Runs a streaming operation into `sink`. Rejects before anything was sent, or not at all. */
export async function stream(
  service: TaskService,
  call: Call,
  request: OperationCall,
  sink: StreamSink,
): Promise<StreamResult> {
  if (request.operation === 'SendStreamingMessage') return service.stream(call, request.request, sink);
  if (request.operation === 'SubscribeToTask') return service.subscribe(call, request.request, sink);
  throw new AppError('INTERNAL', 'Internal error', { detail: `${request.operation} does not stream` });
}
