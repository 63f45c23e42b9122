/** Says new messages to those who listen. One at a time: in the panel while it is open, which may cover all else. */
import { useStore } from './context.ts';

export function LiveRegion() {
  const { announcement, notice } = useStore();
  return (
    <div class="visually-hidden" aria-live="polite">
      {notice.value?.text ?? announcement}
    </div>
  );
}
