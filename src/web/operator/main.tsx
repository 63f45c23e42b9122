/** The operators' page at /operator. */
import '../shared/theme.css';
import './style/base.css';
import './style/top.css';
import './style/list.css';
import './style/chat.css';
import './style/card.css';
import './style/dialog.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { language } from './words.ts';

document.documentElement.lang = language;
render(<App />, document.body);
