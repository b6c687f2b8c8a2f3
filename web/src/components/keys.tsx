/** Keys of the keyboard: `g t`, `mod+k`. */
const isMac = navigator.platform.startsWith('Mac');

export function Keys({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-1">
      {keys.split(' ').map((key, index) => (
        <kbd
          // The keys of a sequence never move
          key={index}
          className="min-w-4.5 rounded-sm border border-line px-1 text-center font-mono text-2xs text-quiet"
        >
          {key.replace('mod+', isMac ? '⌘' : 'Ctrl ').replace(/^[a-z]$/, (letter) => letter.toUpperCase())}
        </kbd>
      ))}
    </span>
  );
}
