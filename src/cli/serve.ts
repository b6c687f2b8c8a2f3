/** `parley serve`: runs the server until a signal stops it. */
import type { Command } from 'commander';
import { processEnvironment } from '../config/environment.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { secretValues } from '../config/mask.ts';
import { ConfigError, formatProblem } from '../config/problems.ts';
import { createLogger } from '../ops/log.ts';
import { AppError } from '../protocol/errors.ts';
import { banner } from './banner.ts';

const FAILED = 'the server could not start';

export function registerServeCommand(program: Command): void {
  program
    .command('serve', { isDefault: true })
    .description('run the server until SIGTERM or SIGINT')
    .option('--port <port>', 'port of the API, over the configured one')
    .option('--host <host>', 'address to listen on, over the configured one')
    .allowExcessArguments()
    .action(async (options: { port?: string; host?: string }, { args: [word] }: Command) => {
      // As this is what runs where no command is named, a word that is left is one that there is not.
      if (word !== undefined) program.error(`error: unknown command '${word}'`);
      await serve(options);
    });
}

/** Exit codes: 0 stopped by a signal, 1 could not start or broke, 2 the configuration is not valid. */
async function serve(options: { port?: string; host?: string }): Promise<void> {
  const config = readConfig(options);
  if (config === null) return;
  const { stdout } = process;
  const { logger, close } = createLogger({
    ...config.log,
    isTty: stdout.isTTY,
    secrets: secretValues(config),
  });
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'uncaught exception; the process ends, and what ran is taken up by its next start');
    process.exit(1);
  });
  try {
    const { startServer } = await import('../server.ts');
    const server = await startServer(config, logger);
    const isQuiet = config.log.format === 'json' || !stdout.isTTY;
    if (isQuiet) {
      const { url, metricsUrl, grpcAddress, database, adminKey } = server;
      logger.info({ url, metricsUrl, grpcAddress, database, adminKeyFile: adminKey?.file }, 'listening');
    } else stdout.write(banner(config, server));
    const signal = await stopSignal();
    logger.info({ signal }, 'stopping');
    await server.stop();
    logger.info('stopped');
  } catch (err) {
    // One that was foreseen says what to do; where in the program it arose tells an operator nothing.
    if (err instanceof AppError && err.code !== 'INTERNAL') {
      const detail = err.detail ?? (err.cause instanceof Error ? err.cause.message : undefined);
      logger.fatal({ code: err.code, detail }, `${FAILED}: ${err.message}`);
    } else logger.fatal({ err }, FAILED);
    process.exitCode = 1;
  } finally {
    await close();
  }
}

function readConfig(options: { port?: string; host?: string }): Config | null {
  const overrides = {
    ...(options.port === undefined ? {} : { 'server.port': options.port }),
    ...(options.host === undefined ? {} : { 'server.host': options.host }),
  };
  try {
    return loadConfig({ env: processEnvironment(), cwd: process.cwd(), overrides });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.problems.map((problem) => `  ${formatProblem(problem)}\n`).join('');
    process.stderr.write(`parley: the configuration is not valid:\n${lines}`);
    process.exitCode = 2;
    return null;
  }
}

/** The first of the signals that ask for an orderly end; the second one ends the process at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(1);
        isStopping = true;
        resolve(signal);
      });
    }
  });
}
