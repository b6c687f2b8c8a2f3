/** Errors that several operations on tasks share, so that they are the same to the letter. */
import { AppError } from '../../protocol/errors.ts';

/** A task that is not there and a task of somebody else: one answer for both (A2A 1.0 section 13.1). */
export function taskNotFound(taskId: string): AppError {
  return new AppError('TASK_NOT_FOUND', 'Task not found', { metadata: { taskId } });
}
