/** Something that a person does to the server: once for one press, however fast or often it is pressed. */
import { useMutation } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { explain } from './notices.tsx';
import { toast } from './toasts.tsx';

interface ActionOptions<Input, Output> {
  readonly run: (input: Input) => Promise<Output>;
  /** Names it in the notice of a failure. Without it the view shows `error` itself. */
  readonly what?: string;
  /** The view shows `error` itself, while it is there. */
  readonly showsError?: boolean;
  readonly retry?: number;
  /** What it is done to: several may be under way, for one target each. Default: one at all. */
  readonly targetOf?: (input: Input) => string;
  /** `isHere`: the view that asked is still shown. Who has gone on must not be led away from where they are. */
  readonly onDone?: (output: Output, input: Input, isHere: boolean) => void;
  readonly onSettled?: (input: Input) => unknown;
}

export function useAction<Input = void, Output = unknown>(options: ActionOptions<Input, Output>) {
  const { run, what, showsError = false, retry = 0, targetOf, onDone, onSettled } = options;
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  const underWay = useRef(new Set<string>());
  const target = useRef(targetOf);
  target.current = targetOf;
  const { mutate, isPending, error } = useMutation<Output, Error, Input>({
    mutationFn: run,
    retry,
    onSuccess: (output, input) => onDone?.(output, input, isHere.current),
    onError: (failure) => {
      if (what === undefined || (showsError && isHere.current)) return;
      const { title, detail } = explain(failure, what);
      toast({ title, detail, isBad: true });
    },
    onSettled: (_output, _failure, input) => {
      underWay.current.delete(target.current?.(input) ?? '');
      return onSettled?.(input);
    },
  });
  const act = useCallback(
    (input: Input) => {
      // A button is disabled only when it is drawn anew, which may be after the second press.
      const one = target.current?.(input) ?? '';
      if (underWay.current.has(one)) return;
      underWay.current.add(one);
      mutate(input);
    },
    [mutate],
  );
  return { act, isPending, error };
}
