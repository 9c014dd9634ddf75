// Opens the page for people in a browser and runs the tab of a name. Prints what the page requested, what it complained about,
// and the tabs, once the answer shows a text; takes a picture.
import puppeteer from "puppeteer-core";

const { url, executablePath, tab, shows, picture } = JSON.parse(process.argv[2]);
const browser = await puppeteer.launch({
  executablePath,
  // The sandbox of Chromium wants an unprivileged user, which CI's machines do not always have; the page is our own.
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
});
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1600, height: 1000 });
  const requests = [];
  const complaints = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));

  const response = await page.goto(url, { waitUntil: "networkidle0" });
  await page.waitForSelector(".graphiql-tab-button");
  const tabs = await page.$$eval(".graphiql-tab-button", (buttons) => buttons.map((button) => button.textContent));
  await (await page.$$(".graphiql-tab-button"))[tabs.indexOf(tab)].click();
  await page.click(".graphiql-execute-button");
  await page.waitForFunction(
    (text) => document.querySelector(".graphiql-response")?.textContent.replaceAll("\u00a0", " ").includes(text),
    { timeout: 30_000 },
    shows,
  );
  const { length: pictureBytes } = await page.screenshot({ path: picture });
  const policy = response.headers()["content-security-policy"];
  console.log(JSON.stringify({ status: response.status(), policy, requests, complaints, tabs, pictureBytes }));
} finally {
  await browser.close();
}
