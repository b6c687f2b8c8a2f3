/** The operations on push notification configurations (A2A 1.0 sections 3.1.7 to 3.1.10). */

import type { OperationRequests } from '../../protocol/codec.ts';
import { AppError } from '../../protocol/errors.ts';
import type { TaskPushNotificationConfig } from '../../protocol/v1/types.ts';
import { admit } from '../operations/admit.ts';
import type { Call } from '../operations/call.ts';

export interface PushConfigPage {
  readonly configs: readonly TaskPushNotificationConfig[];
  readonly nextPageToken: string;
}

/** No agent declares push notifications yet: each operation says so. */
export class PushConfigs {
  async create(
    call: Call,
    _request: OperationRequests['CreateTaskPushNotificationConfig'],
  ): Promise<TaskPushNotificationConfig> {
    return refuse(call, 'push.write');
  }

  async get(
    call: Call,
    _request: OperationRequests['GetTaskPushNotificationConfig'],
  ): Promise<TaskPushNotificationConfig> {
    return refuse(call, 'push.read');
  }

  async list(call: Call, _request: OperationRequests['ListTaskPushNotificationConfigs']): Promise<PushConfigPage> {
    return refuse(call, 'push.read');
  }

  async delete(call: Call, _request: OperationRequests['DeleteTaskPushNotificationConfig']): Promise<void> {
    return refuse(call, 'push.write');
  }
}

function refuse(call: Call, action: 'push.read' | 'push.write'): never {
  admit(call, action);
  throw new AppError('PUSH_NOTIFICATION_NOT_SUPPORTED', 'This agent does not support push notifications');
}
