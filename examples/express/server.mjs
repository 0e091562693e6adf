// Things people leave, in memory: an API in Express. It has no log-in, no session and no cookie; who asks stands in the token.
import express from "express";
import { refuse, verify } from "./verify.mjs";

const { PORT = "8081", ISSUER = "http://localhost:8080", AUDIENCE = "things", PAGE = "../plain/public" } = process.env;
const PER_ACCOUNT = 100;
const ACCOUNTS = 1000;
/** By account. */
const things = new Map();

const app = express().disable("x-powered-by");
const api = express.Router();
api.use(verify({ issuer: ISSUER, audience: AUDIENCE }));

api.get("/things", (request, response) => response.json({ things: things.get(request.account) ?? [] }));

api.post("/things", express.json({ limit: "4kb" }), (request, response) => {
  const name = request.body?.name;
  if (typeof name !== "string" || !/\S/.test(name) || name.length > 100) return refuse(response, 422, "bad-thing");
  const mine = things.get(request.account) ?? [];
  if (mine.length === PER_ACCOUNT || (!mine.length && things.size === ACCOUNTS)) return refuse(response, 409, "full");
  things.set(request.account, [...mine, name.trim()]);
  response.status(201).json({ things: things.get(request.account) });
});

app.use("/api", api);
app.use(express.static(PAGE));
app.use((request, response) => refuse(response, 404, "not-found"));
// Bodies that are no JSON, or too large.
app.use((error, request, response, next) => (response.headersSent ? next(error) : refuse(response, error.status ?? 500, "bad-request")));

const server = app.listen(Number(PORT), "127.0.0.1", () => console.log(`the API listens on ${server.address().port}`));
