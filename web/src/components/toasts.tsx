/** Short news at the edge: what was done, or why it was not. */
import { X } from 'lucide-react';
import { Toast } from 'radix-ui';
import { createStore, useStore } from '../lib/store.ts';
import { Button } from './button.tsx';

interface ToastText {
  readonly title: string;
  readonly detail?: string;
  readonly isBad?: boolean;
}
type Shown = ToastText & { readonly id: number };

const MAX_SHOWN = 4;
const shown = createStore<readonly Shown[]>([]);
let lastId = 0;

/** What is said already is not said beside itself. */
export function toast(text: ToastText): void {
  const others = shown.get().filter(({ title, detail }) => title !== text.title || detail !== text.detail);
  shown.set([...others, { ...text, id: ++lastId }].slice(-MAX_SHOWN));
}

export function Toasts() {
  const toasts = useStore(shown);
  const close = (id: number) => shown.set(shown.get().filter((one) => one.id !== id));
  return (
    <Toast.Provider swipeDirection="right" duration={5000}>
      {toasts.map(({ id, title, detail, isBad }) => (
        <Toast.Root
          key={id}
          duration={isBad === true ? 12_000 : 3500}
          onOpenChange={(open) => !open && close(id)}
          className="flex animate-arrive items-start gap-2 rounded-lg border border-line bg-raised py-2 pr-1.5 pl-3"
        >
          <div className="min-w-0 flex-1 py-0.5">
            <Toast.Title className={`font-medium ${isBad === true ? 'text-failed' : ''}`}>{title}</Toast.Title>
            {detail !== undefined && <Toast.Description className="mt-0.5 text-quiet">{detail}</Toast.Description>}
          </div>
          <Toast.Close asChild>
            <Button look="quiet" aria-label="Close" className="size-6 px-0!">
              <X className="size-3.5" />
            </Button>
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className="fixed right-4 bottom-16 z-60 flex w-80 max-w-[calc(100vw-2rem)] flex-col gap-2 outline-none md:bottom-4" />
    </Toast.Provider>
  );
}
