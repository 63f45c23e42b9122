/** /cluster: how the cluster is, for admins, and what they can do about it. */
import '../shared/theme.css';
import './cluster.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { language, words } from './words.ts';

document.documentElement.lang = language;
document.title = words.title;
render(<App />, document.body);
