/** For tests: the AppError that a call must throw. */
import { AppError } from '../../src/protocol/errors.js';
/** The AppError that `call` throws; fails where it throws none, or something else. */
export function thrownBy(call) {
  try {
    call();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected an AppError, but nothing was thrown');
}
