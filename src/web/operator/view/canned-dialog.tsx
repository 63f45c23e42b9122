/** Canned answers to be looked through, and those changed that one may change. */
import { useSignal } from '@preact/signals';
import { Pencil, Plus, Trash2 } from 'lucide';
import { useEffect, useId } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { type CannedAnswer, type CannedScope, findCanned, mayChangeCanned, removeCanned, saveCanned } from '../canned.ts';
import { readForm } from '../form.ts';
import { useStore } from '../store.ts';
import { explain, words } from '../words.ts';
import { Dialog } from './dialog.tsx';

type Draft = Omit<CannedAnswer, 'id'> & { readonly id?: number };

const EMPTY: Draft = { scope: 'own', departmentKey: null, lang: '', shortcut: '', text: '' };
const SCOPES: readonly CannedScope[] = ['own', 'department', 'all'];

export function CannedDialog({ onClose }: { readonly onClose: () => void }) {
  const store = useStore();
  const answers = useSignal<readonly CannedAnswer[] | null>(null);
  const query = useSignal('');
  const editing = useSignal<Draft | null>(null);
  const failure = useSignal('');
  const me = store.me.value;

  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    failure.value = '';
    try {
      await work();
      answers.value = await findCanned({ query: query.value });
    } catch (error) {
      failure.value = explain(error);
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void attempt(() => Promise.resolve()), 100);
    return () => clearTimeout(timer);
  }, [query.value]);
  if (me === undefined) return null;

  return (
    <Dialog title={words.canned} onClose={onClose} size="wide">
      {failure.value !== '' && (
        <p class="failed" role="alert">
          {failure.value}
        </p>
      )}
      {editing.value === null ? (
        <>
          <div class="canned-tools">
            <input
              type="search"
              aria-label={words.filter}
              placeholder={words.filter}
              value={query.value}
              onInput={event => (query.value = event.currentTarget.value)}
            />
            <button type="button" class="primary" onClick={() => (editing.value = EMPTY)}>
              <Icon of={Plus} /> {words.cannedNew}
            </button>
          </div>
          <ul class="canned-answers">
            {answers.value?.map(answer => (
              <li key={answer.id}>
                <b>/{answer.shortcut}</b>
                <span class="tag">
                  {answer.scope === 'department' ? store.nameOfDepartment(answer.departmentKey) : words.scopes[answer.scope]}
                </span>
                {answer.lang !== '' && <span class="tag">{answer.lang}</span>}
                <p>{answer.text}</p>
                {mayChangeCanned(me, answer) && (
                  <span class="canned-buttons">
                    <button
                      type="button"
                      class="quiet"
                      aria-label={`${words.edit} /${answer.shortcut}`}
                      title={words.edit}
                      onClick={() => (editing.value = answer)}
                    >
                      <Icon of={Pencil} size="1rem" />
                    </button>
                    <button
                      type="button"
                      class="quiet"
                      aria-label={`${words.remove} /${answer.shortcut}`}
                      title={words.remove}
                      onClick={() => void attempt(() => removeCanned(answer.id))}
                    >
                      <Icon of={Trash2} size="1rem" />
                    </button>
                  </span>
                )}
              </li>
            ))}
          </ul>
          {answers.value?.length === 0 && <p class="muted">{words.cannedEmpty}</p>}
        </>
      ) : (
        <CannedForm
          draft={editing.value}
          onCancel={() => (editing.value = null)}
          onSave={draft =>
            void attempt(async () => {
              await saveCanned(draft);
              editing.value = null;
            })
          }
        />
      )}
    </Dialog>
  );
}

interface CannedFormProps {
  readonly draft: Draft;
  readonly onSave: (draft: Draft) => void;
  readonly onCancel: () => void;
}

function CannedForm({ draft, onSave, onCancel }: CannedFormProps) {
  const store = useStore();
  const id = useId();
  const scope = useSignal(draft.scope);
  const me = store.me.value;
  if (me === undefined) return null;
  const departments = [...store.state.value.departments.values()].filter(({ key }) =>
    mayChangeCanned(me, { scope: 'department', departmentKey: key }),
  );
  const scopes = SCOPES.filter(one =>
    one === 'department' ? departments.length > 0 : mayChangeCanned(me, { scope: one, departmentKey: null }),
  );
  const submit = (form: HTMLFormElement): void => {
    const read = readForm(form);
    onSave({
      ...(draft.id === undefined ? {} : { id: draft.id }),
      scope: scope.value,
      departmentKey: scope.value === 'department' ? read('departmentKey') : null,
      lang: read('lang'),
      shortcut: read('shortcut'),
      text: read('text'),
    });
  };
  return (
    <form
      class="form"
      onSubmit={event => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      <label for={`${id}-shortcut`}>{words.cannedShortcut}</label>
      <input id={`${id}-shortcut`} name="shortcut" required autofocus maxLength={50} pattern="\S+" defaultValue={draft.shortcut} />
      <label for={`${id}-text`}>{words.cannedText}</label>
      <textarea id={`${id}-text`} name="text" required rows={5} maxLength={10_000} defaultValue={draft.text} />
      <label for={`${id}-scope`}>{words.cannedScope}</label>
      <select id={`${id}-scope`} value={scope.value} onChange={event => (scope.value = event.currentTarget.value as CannedScope)}>
        {scopes.map(one => (
          <option key={one} value={one}>
            {words.scopes[one]}
          </option>
        ))}
      </select>
      {scope.value === 'department' && (
        <>
          <label for={`${id}-department`}>{words.department}</label>
          <select id={`${id}-department`} name="departmentKey">
            {departments.map(({ key, name }) => (
              <option key={key} value={key} selected={key === draft.departmentKey}>
                {name}
              </option>
            ))}
          </select>
        </>
      )}
      <label for={`${id}-lang`}>{words.cannedLang}</label>
      <input id={`${id}-lang`} name="lang" maxLength={10} defaultValue={draft.lang} />
      <footer>
        <button type="button" onClick={onCancel}>
          {words.cancel}
        </button>
        <button class="primary">{words.save}</button>
      </footer>
    </form>
  );
}
