import express from "express";
import pg from "pg";

const PORT = 3000;
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const app = express();

app.get("/", async (request, response) => {
  await pool.query("INSERT INTO visits DEFAULT VALUES");
  const { rows } = await pool.query("SELECT count(*) FROM visits");
  response.send(`Hello from PostgreSQL, visit ${rows[0].count}`);
});

app.listen(PORT, () => {
  console.log(`listening on port ${PORT}`);
});
