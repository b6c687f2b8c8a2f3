/** Errors that several operations on tasks share, so that they are the same to the letter. */
import { AppError } from '../../protocol/errors.ts';

/** A task that is not there and a task of somebody else: one answer for both (A2A 1.0 section 13.1). */
export function taskNotFound(taskId: string): AppError {
  return new AppError('TASK_NOT_FOUND', 'Task not found', { metadata: { taskId } });
}

/** A commit that failed: nothing of it is there, and nobody was told of it. */
export function notStored(cause: unknown): AppError {
  return new AppError('UNAVAILABLE', 'The task could not be stored; sending the same message again is safe', {
    cause,
    retryAfterSeconds: 5,
  });
}

export function shuttingDown(): AppError {
  return new AppError('UNAVAILABLE', 'The server is shutting down; try again in a moment', { retryAfterSeconds: 2 });
}

/** For a sender who waits when the server stops: its task is stored, and another server, or the next start, takes it up. */
export function taskGoesOn(taskId: string): AppError {
  return new AppError('UNAVAILABLE', 'The server is shutting down; the task goes on: ask for it with GetTask', {
    metadata: { taskId },
    retryAfterSeconds: 2,
  });
}

export function noLongerRun(): AppError {
  return new AppError('UNAVAILABLE', 'The task is no longer run here');
}
