// Prints the files below a folder that TypeScript's own parser refuses: judge.cjs FOLDER TYPESCRIPT.
const fs = require("fs");
const path = require("path");
const ts = require(process.argv[3]);

for (const name of fs.readdirSync(process.argv[2], { recursive: true })) {
  const file = path.join(process.argv[2], name);
  if (fs.statSync(file).isDirectory()) continue;
  const text = fs.readFileSync(file, "utf8");
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false);
  const first = tree.parseDiagnostics[0];
  if (first) console.log(`${file}\t${first.start}: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`);
}
