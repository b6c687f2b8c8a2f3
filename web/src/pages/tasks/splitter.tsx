/** The list beside a task, as wide as a person drags it: with the pointer, or with the arrow keys. */
import { type ReactNode, useState } from 'react';

const STORED = 'parley.listWidth';
const MIN = 320;
const MAX = 900;
const STEP = 24;
const clamp = (width: number) => Math.min(MAX, Math.max(MIN, Math.round(width)));

export function Splitter({ children }: { children: ReactNode }) {
  const [width, setWidth] = useState(() => clamp(Number(localStorage.getItem(STORED) ?? 440) || 440));
  const resize = (next: number) => {
    const clamped = clamp(next);
    localStorage.setItem(STORED, String(clamped));
    setWidth(clamped);
  };
  return (
    <>
      <div className="flex min-h-0 shrink-0" style={{ width }}>
        {children}
      </div>
      {/* A separator that can be moved is a widget, an hr is not */}
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the list"
        aria-valuenow={width}
        aria-valuemin={MIN}
        aria-valuemax={MAX}
        tabIndex={0}
        className="relative w-px shrink-0 cursor-col-resize bg-line after:absolute after:inset-y-0 after:-left-1 after:z-10 after:w-2 hover:bg-edge"
        onKeyDown={({ key }) => {
          if (key === 'ArrowLeft') resize(width - STEP);
          if (key === 'ArrowRight') resize(width + STEP);
        }}
        onPointerDown={(event) => {
          const from = event.clientX;
          const target = event.currentTarget;
          target.setPointerCapture(event.pointerId);
          const move = (moved: PointerEvent) => resize(width + moved.clientX - from);
          target.addEventListener('pointermove', move);
          target.addEventListener('lostpointercapture', () => target.removeEventListener('pointermove', move), {
            once: true,
          });
        }}
      />
    </>
  );
}
