/** What a chat is about: one of the installation's subjects, or free words when it has none. */
import { useId } from 'preact/hooks';
import { act } from '../actions.ts';
import { readForm } from '../form.ts';
import { useStore } from '../store.ts';
import type { Chat } from '../wire.ts';
import { words } from '../words.ts';
import { Dialog } from './dialog.tsx';

/** As the server takes them. */
const MAX_LENGTH = 200;

export function SubjectDialog({ chat, onClose }: { readonly chat: Chat; readonly onClose: () => void }) {
  const store = useStore();
  const id = useId();
  const { subjects } = store.state.value;
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const read = readForm(form);
    const chosen = subjects[Number(read('known'))];
    const labels =
      subjects.length > 0
        ? { category: chosen?.category ?? '', subject: chosen?.subject ?? '' }
        : { category: read('category'), subject: read('subject') };
    // Of the known ones an empty subject alone takes both away.
    const wish = subjects.length > 0 && chosen === undefined ? { category: '' } : labels;
    if (await act(store, 'chat.set_subject', { chatId: chat.id, ...wish })) onClose();
  };
  const optionsOf = (category: string | null) =>
    subjects.map(
      (one, i) =>
        one.category === category && (
          <option key={i} value={i} selected={one.subject === chat.subject && one.category === chat.category}>
            {one.subject}
          </option>
        ),
    );
  return (
    <Dialog title={words.subjectTitle} onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        {subjects.length > 0 ? (
          <>
            <label for={`${id}-known`}>{words.subject}</label>
            <select id={`${id}-known`} name="known">
              <option value="-1">{words.noSubject}</option>
              {optionsOf(null)}
              {[...new Set(subjects.map(({ category }) => category))].map(
                category =>
                  category !== null && (
                    <optgroup key={category} label={category}>
                      {optionsOf(category)}
                    </optgroup>
                  ),
              )}
            </select>
          </>
        ) : (
          <>
            <label for={`${id}-category`}>{words.category}</label>
            <input id={`${id}-category`} name="category" maxLength={MAX_LENGTH} defaultValue={chat.category ?? ''} />
            <label for={`${id}-subject`}>{words.subject}</label>
            <input id={`${id}-subject`} name="subject" maxLength={MAX_LENGTH} defaultValue={chat.subject ?? ''} />
          </>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button class="primary">{words.save}</button>
        </footer>
      </form>
    </Dialog>
  );
}
