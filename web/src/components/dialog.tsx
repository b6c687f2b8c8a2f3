/**
 * A dialog in the middle. Radix keeps the focus inside. Its own overlay is not used: it would put a style element into the
 * page, which the policy forbids, and nothing scrolls behind it here.
 */
import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { useFocusReturn } from '../lib/focus.ts';
import { Button } from './button.tsx';

export interface DialogProps {
  readonly title: string;
  readonly description?: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly className?: string;
}

export function Dialog({ title, description, onClose, children, className = 'max-w-lg' }: DialogProps) {
  const giveFocusBack = useFocusReturn();
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <div aria-hidden="true" className="fixed inset-0 z-40 bg-[oklch(15%_0.01_255)]/45" />
        <Radix.Content
          {...(description === undefined && { 'aria-describedby': undefined })}
          onCloseAutoFocus={giveFocusBack}
          className={`fixed top-[max(1rem,12vh)] left-1/2 z-50 flex max-h-[min(80vh,calc(100vh-2rem))] w-[calc(100vw-2rem)] -translate-x-1/2 animate-arrive flex-col overflow-hidden rounded-lg border border-line bg-raised outline-none ${className}`}
        >
          <div className="flex items-start gap-3 px-4 pt-3.5 pb-2">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
              {description !== undefined && (
                <Radix.Description className="mt-0.5 text-quiet">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              {/* No hint: it would open with the dialog, where this is the first to have the focus, and take the Escape meant for that. */}
              <Button look="quiet" aria-label="Close" className="w-7 px-0!">
                <X className="size-4" />
              </Button>
            </Radix.Close>
          </div>
          <div className="min-h-0 overflow-y-auto px-4 pb-4">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** Who wants to do what cannot be undone is asked once, with the consequence. */
export function Confirm(props: {
  readonly title: string;
  readonly consequence: ReactNode;
  readonly action: string;
  readonly isBusy?: boolean;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={props.title} description={props.consequence} onClose={props.onClose} className="max-w-md">
      <div className="mt-2 flex justify-end gap-2">
        <Radix.Close className="h-7 rounded-md border border-line px-2.5 font-medium hover:bg-hover">
          Keep it
        </Radix.Close>
        <button
          type="button"
          disabled={props.isBusy}
          onClick={props.onConfirm}
          className="h-7 rounded-md bg-failed px-2.5 font-medium text-bg hover:opacity-88"
        >
          {props.action}
        </button>
      </div>
    </Dialog>
  );
}
