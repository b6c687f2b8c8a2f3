/** A push notification configuration as it is stored: what a receiver is, with all that is secret sealed. */
import type { ProtocolVersion } from '../../protocol/codec.ts';
import type { SealedSecret, SecretPlace } from '../secrets/sealer.ts';

/** What only the receiver may see: sealed as one JSON text. An address can be a secret too. */
export interface ReceiverSecret {
  readonly url: string;
  /** Sent as `x-a2a-notification-token`. */
  readonly token?: string;
  readonly authentication?: { readonly scheme: string; readonly credentials?: string };
}

export interface NewPushConfig {
  /** Made by the server, and the row that `secret` is bound to. */
  readonly uid: string;
  /** The client's, or made by the server; unique within its task. */
  readonly id: string;
  /** The version of the payloads: the one that the configuration was made in. */
  readonly version: ProtocolVersion;
  /** Of the receiver, without port: what bounds on receivers count by, and all of its address that operators see. */
  readonly host: string;
  readonly secret: SealedSecret;
  readonly createdAtMs: number;
}

/** A configuration for the task of this id, which is only known when the message is taken in. */
export type MakePushConfig = (taskId: string) => NewPushConfig;

export interface PushConfigRecord {
  readonly uid: string;
  readonly id: string;
  readonly secret: SealedSecret;
}

/** Where the secret of a configuration lies. */
export function secretPlace(uid: string): SecretPlace {
  return { table: 'push_configs', column: 'secret', row: uid };
}
