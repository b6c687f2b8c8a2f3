/** What a person sees when the server has started on a terminal: where it is, what it made, and what to try. */
import { styleText } from 'node:util';
import type { Config } from '../config/load.ts';
import type { RunningServer } from '../server.ts';

const label = (text: string): string => styleText('dim', text.padEnd(11));

export function banner(config: Config, server: RunningServer): string {
  const { url, metricsUrl, grpcAddress, database, adminKey } = server;
  const lines = [
    '',
    `  ${styleText('bold', 'Parley')} is running.`,
    '',
    `  ${label('API')}${url}`,
    `  ${label('Agent')}${url}/a2a  ${styleText('dim', `(${config.agents.default})`)}`,
    ...(grpcAddress === null ? [] : [`  ${label('gRPC')}${grpcAddress}`]),
    `  ${label('Console')}${url}/ui`,
    `  ${label('API docs')}${url}/docs`,
    `  ${label('Metrics')}${metricsUrl}/metrics`,
    `  ${label('Database')}${database}`,
    ...keyLines(config, adminKey),
    '',
    `  ${styleText('bold', 'Try it')}, in another terminal:`,
    '',
    ...commands(config, server).map((line) => `  ${line}`),
    '',
    styleText('dim', '  Ctrl-C stops the server; tasks that run then go on after its next start.'),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

function keyLines(config: Config, adminKey: RunningServer['adminKey']): string[] {
  if (config.auth.mode === 'none') return [`  ${label('Access')}open to everyone on this machine (auth.mode is none)`];
  if (adminKey === null) return [`  ${label('Admin key')}as configured`];
  if (!adminKey.isNew) return [`  ${label('Admin key')}in ${adminKey.file}`];
  return [
    `  ${label('Admin key')}${styleText('yellow', adminKey.key)}`,
    `  ${label('')}${styleText('dim', `made now and shown this once; kept in ${adminKey.file}`)}`,
  ];
}

/** Commands as a person would copy them; the key is read from its file, so that it stays out of the shell's history. */
function commands(config: Config, { url, adminKey }: RunningServer): string[] {
  const key = adminKey === null ? '$ADMIN_API_KEY' : `$(cat ${shellWord(adminKey.file)})`;
  const auth = config.auth.mode === 'none' ? [] : [`-H "Authorization: Bearer ${key}"`];
  const send = (path: string, text: string, flags: string): string =>
    [
      `curl ${flags} ${url}/a2a/${path}`,
      ...auth,
      `-H 'A2A-Version: 1.0' -H 'Content-Type: application/json'`,
      `-d '{"message":{"messageId":"'$(date +%s%N)'","role":"ROLE_USER","parts":[{"text":"${text}"}]}}'`,
    ].join(' \\\n    ');
  return [
    styleText('dim', '# the card of the agent'),
    `curl -s ${url}/.well-known/agent-card.json`,
    '',
    styleText('dim', '# a message, and its answer'),
    send('message:send', 'hello', '-s'),
    '',
    styleText('dim', '# a stream of events'),
    send('message:stream', '/stream count=5 interval=500', '-sN'),
  ];
}

const shellWord = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
