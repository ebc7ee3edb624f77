// Sends one chat completion through the official OpenAI client for Node, the way a user's program does.
// Reads {"model","messages","stream"} from standard input; prints {"text", "finish"} or {"error"}.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const modules = createRequire(pathToFileURL(process.env.CLIENT_MODULES + "/package.json"));
const { default: OpenAI } = await import(pathToFileURL(modules.resolve("openai")));

let input = "";
for await (const piece of process.stdin) input += piece;
const { stream, ...body } = JSON.parse(input);

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "sk-e2e", maxRetries: 0 });
try {
  if (stream) {
    let text = "";
    let finish = null;
    for await (const event of await client.chat.completions.create({ ...body, stream: true })) {
      text += event.choices[0]?.delta?.content ?? "";
      finish = event.choices[0]?.finish_reason ?? finish;
    }
    console.log(JSON.stringify({ text, finish }));
  } else {
    const answer = await client.chat.completions.create(body);
    console.log(JSON.stringify({ text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason }));
  }
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
}
