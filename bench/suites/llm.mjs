// Suite: chat completions through an LLM gateway, JSON and SSE, and what the gateway adds to the direct call.
import { medianOf } from '../harness/stats.mjs';

export const llmArms = ['direct', 'portkey'];

export async function llm(runner, options) {
  const arms = await runner.upAll(runner.names(llmArms));
  const direct = arms.find((arm) => arm.name === 'direct');
  const gateways = arms.filter((arm) => arm !== direct);
  const modes = [
    { mode: 'json', flags: [] },
    { mode: 'stream', flags: ['--stream'] },
  ];
  for (const { mode, flags } of modes) {
    for (let i = 0; i < options.rounds; i++) {
      for (const arm of arms) {
        const args = ['--seconds', String(options.seconds), '--warmup', '0.7', ...flags];
        await runner.load(arm, 'llm', 'llm', args, { mode });
      }
    }
    for (let i = 0; direct && i < options.rounds; i++) {
      for (const gateway of gateways) {
        const headers = gateway.headers.flatMap((header) => ['--header2', header]);
        const args = ['--count', '500', '--url2', gateway.url, ...headers, ...flags];
        await runner.load(direct, 'llm', 'llm-added', args, { mode, gateway: gateway.name });
      }
    }
  }
  const loadKeys = ['rps', 'p50', 'p99', 'cpuMsPerRequest', 'perCpuSecond', 'eventsPerSec'];
  const coreKeys = ['serverCores', 'generatorCores', 'rssMiB'];
  runner.table(
    'Chat completions, 16 connections',
    [
      'arm',
      'mode',
      'req/s',
      'p50 ms',
      'p99 ms',
      'CPU ms/req',
      'req/CPU-s',
      'events/s',
      'server cores',
      'generator cores',
      'RSS MiB',
    ],
    modes.flatMap(({ mode }) =>
      arms.map((arm) => {
        const records = runner.select({ suite: 'llm', kind: 'llm', arm: arm.name, mode });
        return [arm.name, mode, ...[...loadKeys, ...coreKeys].map((key) => medianOf(records, key))];
      }),
    ),
  );
  const addedKeys = ['directP50', 'gatewayP50', 'addedP50', 'addedFirstByteP50', 'gatewayP99'];
  runner.table(
    'Chat completions one at a time, direct and through the gateway in turn',
    [
      'gateway',
      'mode',
      'direct p50 ms',
      'gateway p50 ms',
      'added p50 ms',
      'added to first byte p50 ms',
      'gateway p99 ms',
    ],
    modes.flatMap(({ mode }) =>
      (direct ? gateways : []).map((gateway) => {
        const records = runner.select({ suite: 'llm', kind: 'llm-added', gateway: gateway.name, mode });
        return [gateway.name, mode, ...addedKeys.map((key) => medianOf(records, key))];
      }),
    ),
  );
  await runner.downAll(arms);
}
