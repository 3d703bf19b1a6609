import express from "express";

const app = express();
const port = Number(process.env.PORT ?? 4000);

app.get("/", (request, response) => {
  response.send("Hello from Express");
});

app.listen(port, () => {
  console.log(`listening on port ${port}`);
});
