/** The operations on push notification configurations (A2A 1.0 sections 3.1.7 to 3.1.10). */

import type { OperationRequests, ProtocolVersion } from '../../protocol/codec.ts';
import { AppError, type FieldViolation } from '../../protocol/errors.ts';
import type { TaskPushNotificationConfig } from '../../protocol/v1/types.ts';
import { invalidParams } from '../../protocol/violations.ts';
import type { Agent } from '../agents/registry.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import { admit, scopeOf } from '../operations/admit.ts';
import type { Call } from '../operations/call.ts';
import type { Sealer } from '../secrets/sealer.ts';
import { taskNotFound } from '../tasks/errors.ts';
import type { PushLimits } from './limits.ts';
import type { PushMetrics } from './metrics.ts';
import { readSecret } from './payload.ts';
import {
  type MakePushConfig,
  type NewPushConfig,
  type PushConfigRecord,
  type ReceiverSecret,
  secretPlace,
} from './push-config.ts';
import type { PushStore } from './push-store.ts';
import type { PushTransport } from './transport.ts';

export interface PushConfigPage {
  readonly configs: readonly TaskPushNotificationConfig[];
  readonly nextPageToken: string;
}

export interface PushConfigOptions {
  /** `false`: no agent has push notifications here, whatever it says of itself. */
  readonly isEnabled: boolean;
  readonly store: PushStore;
  readonly sealer: Sealer;
  readonly receivers: Pick<PushTransport, 'problemOf'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: PushLimits;
  readonly metrics: PushMetrics;
  readonly logger: Logger;
}

/** What the token of a scheme is (RFC 9110 section 5.6.2). */
const SCHEME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What a header may hold: nothing that ends its line. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** How long the total of the outbox is believed. */
const TOTAL_TTL_MS = 1000;
const MAX_PAGE_SIZE = 100;

export class PushConfigs {
  readonly #options: PushConfigOptions;
  #total: { readonly count: number; readonly atMs: number } | null = null;

  constructor(options: PushConfigOptions) {
    this.#options = options;
  }

  async create(
    call: Call,
    request: OperationRequests['CreateTaskPushNotificationConfig'],
  ): Promise<TaskPushNotificationConfig> {
    const scope = admit(call, 'push.write');
    this.#checkPush(call.agent);
    this.#check(request, call.version === '0.3' ? 'pushNotificationConfig.' : '');
    await this.checkRoom(scope.ownerId);
    const { store, limits } = this.#options;
    const config = this.#seal(call.version, request, request.taskId);
    const result = await store.putConfig(scope, request.taskId, config, limits.maxConfigsPerTask);
    if (result === 'no-task') throw taskNotFound(request.taskId);
    if (result === 'too-many') throw this.#tooMany();
    return shown(request.taskId, config.id, request);
  }

  async get(
    call: Call,
    request: OperationRequests['GetTaskPushNotificationConfig'],
  ): Promise<TaskPushNotificationConfig> {
    const scope = admit(call, 'push.read');
    this.#checkPush(call.agent);
    const record = await this.#options.store.findConfig(scope, request.taskId, request.id);
    // One answer, whether the task or its configuration is missing (section 3.1.8).
    if (record === undefined) throw taskNotFound(request.taskId);
    return this.#show(request.taskId, record);
  }

  async list(call: Call, request: OperationRequests['ListTaskPushNotificationConfigs']): Promise<PushConfigPage> {
    const scope = admit(call, 'push.read');
    this.#checkPush(call.agent);
    const { taskId, pageSize = MAX_PAGE_SIZE, pageToken = '' } = request;
    const records = await this.#options.store.listConfigs(scope, taskId, decodeToken(pageToken), pageSize + 1);
    if (records === undefined) throw taskNotFound(taskId);
    const page = records.slice(0, pageSize);
    const last = page.at(-1);
    const nextPageToken = records.length > pageSize && last !== undefined ? encodeToken(last.id) : '';
    return { configs: page.map((record) => this.#show(taskId, record)), nextPageToken };
  }

  /** Nothing more is sent for it, not even what waits. Deleting what is not there is no error (section 3.1.10). */
  async delete(call: Call, request: OperationRequests['DeleteTaskPushNotificationConfig']): Promise<void> {
    const scope = admit(call, 'push.write');
    this.#checkPush(call.agent);
    const isThere = await this.#options.store.removeConfig(scope, request.taskId, request.id);
    if (!isThere) throw taskNotFound(request.taskId);
  }

  /**
   * The configuration that comes with a message (section 3.2.2), checked and sealed, to be stored with that message.
   * The caller is admitted already.
   */
  async prepare(call: Call, config: TaskPushNotificationConfig, taskId: string | undefined): Promise<MakePushConfig> {
    this.#checkPush(call.agent);
    const field = call.version === '0.3' ? 'pushNotificationConfig' : 'taskPushNotificationConfig';
    this.#check(config, `configuration.${field}.`);
    const scope = scopeOf(call);
    await this.checkRoom(scope.ownerId);
    const { store, limits } = this.#options;
    if (taskId !== undefined) {
      const others = await store.listConfigs(scope, taskId, '', limits.maxConfigsPerTask);
      const isFull = others !== undefined && others.length >= limits.maxConfigsPerTask;
      if (isFull && !others.some(({ id }) => id === config.id)) throw this.#tooMany();
    }
    return (id) => this.#seal(call.version, config, id);
  }

  /** Throws LIMIT_EXCEEDED while the outbox is full. */
  async checkRoom(ownerId: string): Promise<void> {
    const { store, limits, clock } = this.#options;
    const nowMs = clock.now();
    if (this.#total === null || nowMs - this.#total.atMs >= TOTAL_TTL_MS) {
      this.#total = { count: await store.queued(), atMs: nowMs };
    }
    if (this.#total.count >= limits.maxQueued) throw this.#full('push.maxQueued', limits.maxQueued, ownerId);
    if ((await store.queuedOf(ownerId)) >= limits.maxQueuedPerOwner) {
      throw this.#full('push.maxQueuedPerOwner', limits.maxQueuedPerOwner, ownerId);
    }
  }

  #checkPush(agent: Agent): void {
    if (this.#options.isEnabled && agent.description.capabilities.pushNotifications === true) return;
    throw new AppError(
      'PUSH_NOTIFICATION_NOT_SUPPORTED',
      'This agent does not support push notifications; get its tasks, or stream them',
    );
  }

  #full(limit: string, value: number, ownerId: string): AppError {
    this.#options.metrics.limitReached(limit);
    this.#options.logger.warn({ limit, ownerId }, 'push refused: the outbox is full');
    return new AppError(
      'LIMIT_EXCEEDED',
      `Too many push notifications wait or are dead letters (${limit} is ${value}); ` +
        'send without a push configuration, delete dead letters, or try again later',
      { metadata: { limit }, retryAfterSeconds: 60 },
    );
  }

  #tooMany(): AppError {
    const limit = 'push.maxConfigsPerTask';
    this.#options.metrics.limitReached(limit);
    return new AppError(
      'LIMIT_EXCEEDED',
      `The task has as many push configurations as it may (${limit} is ${this.#options.limits.maxConfigsPerTask}); delete one first`,
      { metadata: { limit } },
    );
  }

  /** @param prefix of the fields, as the client has written them. */
  #check(config: TaskPushNotificationConfig, prefix: string): void {
    const { limits, receivers } = this.#options;
    const { url, token, authentication } = config;
    const violations: FieldViolation[] = [];
    const complain = (field: string, description: string) =>
      violations.push({ field: `${prefix}${field}`, description });
    const tooLong = (field: string, limit: string, value: number) => {
      this.#options.metrics.limitReached(limit);
      complain(field, `is too long: ${limit} is ${value}`);
    };
    const problem = receivers.problemOf(url);
    if (url.length > limits.maxUrlLength) tooLong('url', 'push.maxUrlLength', limits.maxUrlLength);
    else if (problem !== undefined) complain('url', problem);
    for (const [field, value] of [
      ['token', token],
      ['authentication.credentials', authentication?.credentials],
    ] as const) {
      if (value === undefined) continue;
      if (value.length > limits.maxSecretLength) tooLong(field, 'push.maxSecretLength', limits.maxSecretLength);
      else if (!HEADER_VALUE.test(value))
        complain(field, 'must fit into a header: no line breaks, no control characters');
    }
    if (authentication !== undefined && !SCHEME.test(authentication.scheme)) {
      complain('authentication.scheme', 'must be the name of an HTTP authentication scheme, such as Bearer');
    }
    if (violations.length > 0) throw invalidParams(violations);
  }

  /** In 0.3 there is one configuration without an id, which has the id of its task; in 1.0 the server makes one. */
  #seal(version: ProtocolVersion, config: TaskPushNotificationConfig, taskId: string): NewPushConfig {
    const { sealer, ids, clock } = this.#options;
    const uid = ids.next();
    const { url, token, authentication } = config;
    const secret: ReceiverSecret = {
      url,
      ...(token === undefined ? {} : { token }),
      ...(authentication === undefined ? {} : { authentication }),
    };
    return {
      uid,
      id: config.id ?? (version === '0.3' ? taskId : ids.next()),
      version,
      host: new URL(url).hostname,
      secret: sealer.seal(JSON.stringify(secret), secretPlace(uid)),
      createdAtMs: clock.now(),
    };
  }

  #show(taskId: string, { uid, id, secret }: PushConfigRecord): TaskPushNotificationConfig {
    return shown(taskId, id, readSecret(this.#options.sealer.open(secret, secretPlace(uid))));
  }
}

/** Token and credentials go to the receiver and to nobody else, so that no answer shows them. */
function shown(taskId: string, id: string, { url, authentication }: ReceiverSecret): TaskPushNotificationConfig {
  return {
    id,
    taskId,
    url,
    ...(authentication === undefined ? {} : { authentication: { scheme: authentication.scheme } }),
  };
}

const encodeToken = (id: string) => Buffer.from(`after ${id}`).toString('base64url');

/** Throws INVALID_PARAMS for what this server did not make. */
function decodeToken(token: string): string {
  if (token === '') return '';
  const [, id] = /^after (.+)$/su.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (id !== undefined) return id;
  throw invalidParams([{ field: 'pageToken', description: 'is not a token of this server' }]);
}
