/** The subcommands of `parley`. Each is one file; what it needs is loaded only when it runs. */
import { Command } from 'commander';
import { programInfo } from '../config/program.ts';
import { registerCardCommands } from './card.ts';
import { registerCacheCodeCommand } from './code-cache-command.ts';
import { registerConfigCommands } from './config.ts';
import { registerKeyCommands } from './keys.ts';
import { registerMigrateCommand } from './migrate.ts';
import { registerPushCommands } from './push.ts';
import { registerRekeyCommand } from './rekey.ts';
import { registerServeCommand } from './serve.ts';
import { registerSigningKeyCommands } from './signing-keys.ts';

/** Runs the one that the arguments of the process name. */
export async function runCommand(): Promise<void> {
  const { version, description } = programInfo();
  const program = new Command('parley')
    .description(description)
    .version(version)
    .showHelpAfterError()
    .configureHelp({ sortSubcommands: true });

  registerServeCommand(program);
  registerConfigCommands(program);
  registerMigrateCommand(program);
  registerKeyCommands(program);
  registerPushCommands(program);
  registerRekeyCommand(program);
  registerCardCommands(program);
  registerSigningKeyCommands(program);
  registerCacheCodeCommand(program);

  try {
    await program.parseAsync();
  } catch (error) {
    process.stderr.write(`parley: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
