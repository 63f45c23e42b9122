/** Asked before the first message: who he is, and whom he wants to speak to. */
import { answerPrechat } from '../actions.ts';
import { useStore } from './context.ts';
import { Field, filledIn } from './field.tsx';

export function PrechatForm() {
  const store = useStore();
  const { words, missingFields, asksDepartment, conversation } = store;
  return (
    <form
      class="card"
      onSubmit={event => {
        event.preventDefault();
        const { department, ...fields } = filledIn(event.currentTarget);
        answerPrechat(store, fields, department);
      }}
    >
      <p>{words.prechatIntro}</p>
      {missingFields.value.map(name => (
        <Field key={name} name={name} isRequired />
      ))}
      {asksDepartment.value && (
        <label class="field">
          <span>{words.department}</span>
          <select name="department" required>
            {conversation.value.departments.map(({ key, name, online }) => (
              <option key={key} value={key}>
                {online.endsWith('offline') ? words.departmentAway(name) : name}
              </option>
            ))}
          </select>
        </label>
      )}
      <button class="button is-main">{words.startChat}</button>
    </form>
  );
}
