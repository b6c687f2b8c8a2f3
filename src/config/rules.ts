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

/** The sections that may have a certificate and a key. */
const TLS_SECTIONS = ['server', 'grpc'] as const;

const tlsFilesGoTogether: Rule = (settings) =>
  TLS_SECTIONS.flatMap((section): RuleProblem[] => {
    const { tls } = settings[section];
    if ((tls.certFile === undefined) === (tls.keyFile === undefined) || isInherited(settings, section)) return [];
    const [given, missing] = tls.certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
    return [
      {
        keys: [`${section}.tls.${given}`, `${section}.tls.${missing}`],
        message: `needs ${section}.tls.${missing} beside it: set both, or neither`,
      },
    ];
  });

const tlsFilesAreReadable: Rule = (settings) =>
  TLS_SECTIONS.flatMap((section) =>
    (['certFile', 'keyFile'] as const).flatMap((name): RuleProblem[] => {
      const file = settings[section].tls[name];
      if (file === undefined || isInherited(settings, section)) return [];
      const message = unreadable(file);
      return message === undefined ? [] : [{ keys: [`${section}.tls.${name}`], message }];
    }),
  );

const natsFilesGoTogether: Rule = ({ bus }) => {
  const { certFile, keyFile } = bus.natsTls;
  if ((certFile === undefined) === (keyFile === undefined)) return undefined;
  const [given, missing] = certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
  return {
    keys: [`bus.natsTls.${given}`, `bus.natsTls.${missing}`],
    message: `needs bus.natsTls.${missing} beside it: set both, or neither`,
  };
};

const natsFilesAreReadable: Rule = ({ bus }) => {
  const files = { natsCredentialsFile: bus.natsCredentialsFile, ...prefixed('natsTls.', bus.natsTls) };
  return Object.entries(files).flatMap(([name, file]): RuleProblem[] => {
    const problem = file === undefined ? undefined : unreadable(file);
    return problem === undefined ? [] : [{ keys: [`bus.${name}`], message: problem }];
  });
};

function prefixed<T>(prefix: string, values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
}

function unreadable(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return `names a file that cannot be read: ${file}: ${readErrorText(error)}`;
  }
}

/** gRPC without TLS files of its own has those of the API: their problems are told once. */
function isInherited({ server, grpc }: Settings, section: (typeof TLS_SECTIONS)[number]): boolean {
  return section === 'grpc' && grpc.tls === server.tls;
}

const plainGrpcStaysOnLoopback: Rule = ({ server, grpc }) => {
  const { enabled, host = server.host, tls } = grpc;
  // What is true of the API's address as well is told there.
  if (!enabled || host === server.host || isLoopbackHost(host) || server.behindTlsProxy) return undefined;
  if (tls.certFile !== undefined || tls.keyFile !== undefined) return undefined;
  return {
    keys: ['grpc.host', 'server.behindTlsProxy', 'grpc.tls.certFile', 'grpc.tls.keyFile'],
    message:
      `is ${JSON.stringify(host)}, which others can reach, and plain gRPC would show them keys and content. ` +
      'Set grpc.tls.certFile and grpc.tls.keyFile, or server.behindTlsProxy: true (BEHIND_TLS_PROXY=true) ' +
      'when a proxy in front ends TLS, or listen on 127.0.0.1',
  };
};

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

const noAuthenticationStaysOnLoopback: Rule = ({ auth, server, grpc }) => {
  if (auth.mode !== 'none') return undefined;
  if (!isLoopbackHost(server.host)) {
    return {
      keys: ['auth.mode', 'server.host'],
      message: `is "none", which is allowed on a loopback address only, and server.host is ${JSON.stringify(server.host)}. Use "key", or listen on 127.0.0.1`,
    };
  }
  if (grpc.enabled && grpc.host !== undefined && !isLoopbackHost(grpc.host)) {
    return {
      keys: ['auth.mode', 'grpc.host'],
      message: `is "none", which is allowed on a loopback address only, and grpc.host is ${JSON.stringify(grpc.host)}. Use "key", or listen on 127.0.0.1`,
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

const grpcPortDiffers: Rule = ({ server, ops, grpc }) => {
  if (!grpc.enabled || grpc.port === 0) return undefined;
  const other =
    grpc.port === server.port ? 'server.port' : grpc.port === ops.metricsPort ? 'ops.metricsPort' : undefined;
  if (other === undefined) return undefined;
  return { keys: ['grpc.port', other], message: `and ${other} are both ${grpc.port}; give them different ports` };
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
  natsFilesGoTogether,
  natsFilesAreReadable,
  plainHttpStaysOnLoopback,
  plainGrpcStaysOnLoopback,
  noAuthenticationStaysOnLoopback,
  productionHasAdminKey,
  productionHasEncryptionKey,
  portsDiffer,
  grpcPortDiffers,
  bufferHoldsAnEvent,
  taskHoldsItsParts,
];

/** What the settings break together. */
export function checkRules(settings: Settings): RuleProblem[] {
  return RULES.flatMap((rule) => rule(settings) ?? []);
}
