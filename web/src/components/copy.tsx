/** Everything can be copied. */
import { Check, Copy } from 'lucide-react';
import { useRef, useState } from 'react';
import { IconButton } from './button.tsx';
import { toast } from './toasts.tsx';

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast({ title: `${what} copied` });
  } catch {
    toast({
      title: `${what} could not be copied`,
      detail: 'The browser gives no access to the clipboard here.',
      isBad: true,
    });
  }
}

export function CopyButton({ text, label, className = '' }: { text: string; label: string; className?: string }) {
  const [isDone, setDone] = useState(false);
  const timer = useRef(0);
  const copy = async () => {
    await copyText(text, label);
    setDone(true);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setDone(false), 1200);
  };
  return (
    <IconButton label={`Copy ${label}`} onClick={() => void copy()} className={`size-6! ${className}`}>
      {isDone ? <Check className="size-3.5" /> : <Copy className="size-3.5" />}
    </IconButton>
  );
}
