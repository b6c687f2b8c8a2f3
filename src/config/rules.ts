/** Rules between keys. Each names the keys it looks at, and is skipped when one of them already has a problem. */
import { accessSync, constants } from 'node:fs';
import { isLoopbackHost } from './network.ts';
import type { Settings } from './schema.ts';
import { readErrorText } from './secrets.ts';

export interface RuleProblem {
  /** The first is the one that the problem is shown at. */
  readonly keys: readonly [string, ...string[]];
  readonly message: string;
}

type Rule = (settings: Settings) => RuleProblem | undefined | readonly RuleProblem[];

const tlsFilesGoTogether: Rule = ({ server: { tls } }) => {
  if ((tls.certFile === undefined) === (tls.keyFile === undefined)) return undefined;
  const [given, missing] = tls.certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
  return {
    keys: [`server.tls.${given}`, `server.tls.${missing}`],
    message: `needs server.tls.${missing} beside it: set both, or neither`,
  };
};

const tlsFilesAreReadable: Rule = ({ server: { tls } }) =>
  (['certFile', 'keyFile'] as const).flatMap((name): RuleProblem[] => {
    const file = tls[name];
    if (file === undefined) return [];
    try {
      accessSync(file, constants.R_OK);
      return [];
    } catch (error) {
      return [
        { keys: [`server.tls.${name}`], message: `names a file that cannot be read: ${file}: ${readErrorText(error)}` },
      ];
    }
  });

const plainHttpStaysOnLoopback: Rule = ({ server }) => {
  if (isLoopbackHost(server.host) || server.behindTlsProxy) return undefined;
  if (server.tls.certFile !== undefined || server.tls.keyFile !== undefined) return undefined;
  return {
    keys: ['server.host', 'server.behindTlsProxy', 'server.tls.certFile', 'server.tls.keyFile'],
    message:
      `is ${JSON.stringify(server.host)}, which others can reach, and plain HTTP would show them keys and content. ` +
      'Set server.tls.certFile and server.tls.keyFile to speak HTTPS, or server.behindTlsProxy: true (BEHIND_TLS_PROXY=true) ' +
      'when a proxy in front does, or listen on 127.0.0.1',
  };
};

const noAuthenticationStaysOnLoopback: Rule = ({ auth, server }) => {
  if (auth.mode !== 'none') return undefined;
  if (!isLoopbackHost(server.host)) {
    return {
      keys: ['auth.mode', 'server.host'],
      message: `is "none", which is allowed on a loopback address only, and server.host is ${JSON.stringify(server.host)}. Use "key", or listen on 127.0.0.1`,
    };
  }
  if (!server.behindTlsProxy) return undefined;
  return {
    keys: ['auth.mode', 'server.behindTlsProxy'],
    message:
      'is "none", which is not allowed behind a proxy (server.behindTlsProxy): everybody who reaches the proxy would be let in. Use "key"',
  };
};

const productionHasAdminKey: Rule = ({ env, auth }) => {
  if (env !== 'production' || auth.mode === 'none' || auth.adminKey !== undefined) return undefined;
  return {
    keys: ['auth.adminKey', 'env', 'auth.mode', 'auth.adminKeyFile'],
    message:
      'is not set, and NODE_ENV is "production". Set ADMIN_API_KEY, or ADMIN_API_KEY_FILE to a file that holds it; `openssl rand -base64 32` makes a key',
  };
};

const productionHasEncryptionKey: Rule = ({ env, secrets }) => {
  if (env !== 'production' || secrets.encryptionKey !== undefined) return undefined;
  return {
    keys: ['secrets.encryptionKey', 'env', 'secrets.encryptionKeyFile'],
    message:
      'is not set, and NODE_ENV is "production". Set ENCRYPTION_KEY, or ENCRYPTION_KEY_FILE to a file that holds it; `openssl rand -base64 32` makes a key',
  };
};

const portsDiffer: Rule = ({ server, ops }) => {
  if (server.port !== ops.metricsPort || server.port === 0) return undefined;
  return {
    keys: ['ops.metricsPort', 'server.port'],
    message: `and server.port are both ${server.port}; give them different ports (to have /metrics on the port of the API too, set ops.metricsOnMain: true)`,
  };
};

const bufferHoldsAnEvent: Rule = ({ streams, tasks }) => {
  if (streams.maxBufferBytes >= tasks.maxEventBytes) return undefined;
  return {
    keys: ['streams.maxBufferBytes', 'tasks.maxEventBytes'],
    message: `must be at least tasks.maxEventBytes (${tasks.maxEventBytes}), not ${streams.maxBufferBytes}: one event would fill it beyond its limit`,
  };
};

const taskHoldsItsParts: Rule = ({ tasks }) =>
  (['maxEventBytes', 'maxMessageBytes'] as const)
    .filter((name) => tasks.maxTaskBytes < tasks[name])
    .map((name) => ({
      keys: ['tasks.maxTaskBytes', `tasks.${name}`] as const,
      message: `must be at least tasks.${name} (${tasks[name]}), not ${tasks.maxTaskBytes}`,
    }));

const RULES: readonly Rule[] = [
  tlsFilesGoTogether,
  tlsFilesAreReadable,
  plainHttpStaysOnLoopback,
  noAuthenticationStaysOnLoopback,
  productionHasAdminKey,
  productionHasEncryptionKey,
  portsDiffer,
  bufferHoldsAnEvent,
  taskHoldsItsParts,
];

/** What the settings break together. */
export function checkRules(settings: Settings): RuleProblem[] {
  return RULES.flatMap((rule) => rule(settings) ?? []);
}
