/** How it stands with the connection and the queue, in one line under the header. A drop that is over in a second is not worth a word. */
import { useEffect, useState } from 'preact/hooks';
import { duration } from '../../shared/time.ts';
import { useStore } from './context.ts';

const WORTH_A_WORD_MS = 1_000;

export function StateLine() {
  const { linkState, conversation, words, options } = useStore();
  const state = linkState.value;
  const isDown = useLasting(state === 'connecting' || state === 'waiting');
  const { chat, queue } = conversation.value;
  if (state === 'banned') return <p class="state-line">{words.banned}</p>;
  if (isDown)
    return state === 'connecting' ? <p class="state-line">{words.connecting}</p> : <p class="state-line is-bad">{words.noConnection}</p>;
  if (chat?.state !== 'queue' && chat?.state !== 'routing') return null;
  if (chat.offline) return <p class="state-line">{words.messageLeft}</p>;
  if (queue === null) return <p class="state-line">{words.waiting}</p>;
  return (
    <p class="state-line">
      {words.place(queue.position)} {queue.estimateSeconds !== null && words.estimate(duration(queue.estimateSeconds, options.language))}
    </p>
  );
}

function useLasting(isSo: boolean): boolean {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    setLasts(false);
    if (!isSo) return undefined;
    const timer = setTimeout(() => setLasts(true), WORTH_A_WORD_MS);
    return () => clearTimeout(timer);
  }, [isSo]);
  return isSo && lasts;
}
