/** One to five stars, as radio buttons: arrow keys choose. */
import { Star } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { useStore } from './context.ts';

export function Stars({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: number;
  readonly onChange: (stars: number) => void;
}) {
  const { words } = useStore();
  return (
    <fieldset class="stars">
      <legend>{label}</legend>
      {[1, 2, 3, 4, 5].map(count => (
        <label key={count} class={count <= value ? 'is-on' : ''}>
          <input
            type="radio"
            name="stars"
            class="visually-hidden"
            aria-label={words.stars(count)}
            checked={count === value}
            onChange={() => onChange(count)}
          />
          <Icon of={Star} size="28px" />
        </label>
      ))}
    </fieldset>
  );
}
