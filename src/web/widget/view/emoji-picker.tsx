/** A small grid of emoji of the system's own, in a popover; arrow keys walk it. */
import { Smile } from 'lucide';
import type { TargetedKeyboardEvent } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { useStore } from './context.ts';
import { placeBeside } from './place.ts';

const EMOJI =
  '😀 😄 😁 😅 😂 🙂 😉 😊 😍 😘 😎 🤔 😐 🙄 😢 😭 😡 😱 😴 🤗 🙏 👍 👎 👌 👏 🙌 💪 👋 🤝 ❤️ 💔 🔥 🎉 ✨ ⭐ ✅ ❌ ❓ ❗ 💡'.split(' ');
const COLUMNS = 8;

export function EmojiPicker({ onPick }: { readonly onPick: (emoji: string) => void }) {
  const { words } = useStore();
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const picker = useRef<HTMLDivElement>(null);
  const [isShown, setShown] = useState(false);
  return (
    <>
      <button ref={button} type="button" class="icon-button" popovertarget={id} aria-label={words.emoji} aria-expanded={isShown}>
        <Icon of={Smile} />
      </button>
      <div
        ref={picker}
        id={id}
        class="emoji"
        popover="auto"
        role="group"
        aria-label={words.emoji}
        onKeyDown={walk}
        onToggle={event => {
          const isOpening = event.newState === 'open';
          setShown(isOpening);
          if (!isOpening || button.current === null) return;
          placeBeside(event.currentTarget, button.current);
          event.currentTarget.querySelector('button')?.focus();
        }}
      >
        {EMOJI.map((emoji, index) => (
          <button
            type="button"
            key={emoji}
            tabIndex={index === 0 ? 0 : -1}
            onClick={() => {
              picker.current?.hidePopover();
              onPick(emoji);
            }}
          >
            {emoji}
          </button>
        ))}
      </div>
    </>
  );
}

const STEPS: Readonly<Partial<Record<string, number>>> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS };

function walk(event: TargetedKeyboardEvent<HTMLElement>): void {
  const step = STEPS[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const buttons = [...event.currentTarget.querySelectorAll('button')];
  buttons[buttons.findIndex(button => button.matches(':focus')) + step]?.focus();
}
