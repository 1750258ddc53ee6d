// check.cjs FILE.FUNCTION FOLDER: fails if the folder lacks the handler. Run in the builder stage; runs no code of the project.
'use strict';
const fs = require('fs');
const path = require('path');

const [handler, folder] = process.argv.slice(2);

function fail(text) {
  console.error(`handler '${handler}': ${text}`);
  process.exit(1);
}

const match = /^((?:.*\/)?[^./][^./]*)\.([^./]+)(\.[^./]+)*$/.exec(handler);
if (!match) fail('it must be FILE.FUNCTION');
const [, module_, name] = match;
const file = ['.js', '.mjs', '.cjs'].map((end) => module_ + end).find((file) => fs.existsSync(path.join(folder, file)));
if (!file) fail(`there is no file '${module_}.js', '${module_}.mjs' or '${module_}.cjs'`);

// Forms that may export this name, then forms that may export any name.
const word = name.replace(/[^\w]/g, '\\$&');
const forms = [
  `\\bexport\\s+(?:default\\s+)?(?:async\\s+)?(?:function\\s*\\*?|class)\\s*${word}(?![\\w$])`,
  `\\bexport\\s+(?:const|let|var)\\s[^;]*?(?<![\\w$])${word}(?![\\w$])`,
  `\\bexport\\s*\\{[^}]*(?<![\\w$])${word}(?![\\w$])`,
  `\\bexports\\s*(?:\\.\\s*${word}(?![\\w$])|\\[\\s*['"\`]${word}['"\`])`,
  `\\bexports\\s*,\\s*['"\`]${word}['"\`]`,
  `\\bmodule\\s*\\.\\s*exports\\s*=[^]*(?<![\\w$])${word}(?![\\w$])`,
  '\\bexport\\s*\\*',
  '\\bmodule\\s*\\.\\s*exports\\s*=\\s*[^\\s{]',
  '\\bmodule\\s*\\.\\s*exports\\s*=\\s*\\{[^]*\\.\\.\\.',
  '\\b(?:__exportStar|assign)\\s*\\([^;]*\\bexports\\b',
];
const text = fs.readFileSync(path.join(folder, file), 'utf8');
if (!forms.some((form) => new RegExp(form).test(text))) fail(`'${file}' exports no '${name}'`);
