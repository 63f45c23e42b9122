/** How it was, after the chat or when he asks to say it. */
import { useSignal } from '@preact/signals';
import { rate } from '../actions.ts';
import { useStore } from './context.ts';
import { Stars } from './stars.tsx';

export function RatingCard() {
  const store = useStore();
  const { words, rating, conversation } = store;
  const stars = useSignal(0);
  const note = useSignal('');
  if (rating.value === 'done') return <p class="line">{words.rated}</p>;
  return (
    <form
      class="card"
      onSubmit={event => {
        event.preventDefault();
        if (stars.value > 0) void rate(store, stars.value, note.value.trim());
      }}
    >
      <Stars
        label={words.rateIntro(conversation.value.chat?.operator?.fullname ?? '')}
        value={stars.value}
        onChange={count => (stars.value = count)}
      />
      {stars.value > 0 && (
        <label class="field">
          <span>{words.rateNote}</span>
          <textarea rows={2} maxLength={2_000} value={note.value} onInput={event => (note.value = event.currentTarget.value)} />
        </label>
      )}
      <div class="buttons">
        <button type="button" class="button" onClick={() => (rating.value = 'hidden')}>
          {words.skip}
        </button>
        <button class="button is-main" disabled={stars.value === 0}>
          {words.rateSend}
        </button>
      </div>
    </form>
  );
}
