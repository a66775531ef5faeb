//! How soon a webhook is answered, and how soon a push has become a run: of a large repository, and of one that very many
//! workspaces take their files from.

mod provider;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::client::{Body, Client, text};
use super::load::Latencies;
use super::report::{Report, millis};
use super::runs::until_some;
use super::server::{Launch, Server};
use super::{Sizes, setup};
use provider::{Hook, Origin, Provider};

const ZEROS: &str = "0000000000000000000000000000000000000000";

pub async fn measure(report: &mut Report, program: &Path, sizes: &Sizes) -> Result<()> {
    let server = Launch::of(program).reaching("127.0.0.0/8").start().await?;
    let mut bench = Bench::new(&server).await?;
    let measured = async {
        bench.webhooks(report, sizes).await?;
        bench.large(report, sizes).await?;
        bench.watched(report, sizes).await
    };
    measured.await.context(server.log_hint())
}

struct Bench {
    client: Client,
    provider: Provider,
    /// Of the connection.
    token: String,
    deliveries: usize,
}

/// A repository whose workspaces have what its branch has.
struct Connected {
    name: String,
    origin: Origin,
    head: String,
    hook: Hook,
}

impl Bench {
    async fn new(server: &Server) -> Result<Self> {
        let mut client = server.client().await?;
        setup::organization(&mut client).await?;
        let provider = Provider::start().await?;
        let attributes = json!({
            "service-provider": "github_enterprise", "http-url": provider.url,
            "api-url": format!("{}/api/v3", provider.url), "oauth-token-string": "bench",
        });
        let data = json!({ "type": "oauth-clients", "attributes": attributes });
        let path = format!("/api/v2/organizations/{}/oauth-clients", setup::ORGANIZATION);
        let made = client.create(&path, data).await?;
        let token = text(&made, "/relationships/oauth-tokens/data/0/id")?.to_owned();
        Ok(Self { client, provider, token, deliveries: 0 })
    }

    /// Of a branch that nobody follows, so that nothing but the answer is there to be done.
    async fn webhooks(&mut self, report: &mut Report, sizes: &Sizes) -> Result<()> {
        let (connected, _) = self.connect("small", files(10), 1).await?;
        let mut times = Vec::new();
        for _ in 0..sizes.deliveries {
            times.push(self.deliver(&connected, "nobody's", &connected.head).await?);
        }
        let times = Latencies::new(times)?;
        let what = format!("a webhook answered, {} of them", sizes.deliveries);
        report.add(&format!("{what} (p50)"), &millis(times.percentile(50)), "");
        report.add(&format!("{what} (p99)"), &millis(times.percentile(99)), "≤ 20 ms");
        Ok(())
    }

    async fn large(&mut self, report: &mut Report, sizes: &Sizes) -> Result<()> {
        let (mut connected, ids) = self.connect("large", files(sizes.files), 1).await?;
        let times = self.pushes(&mut connected, &ids[0], sizes).await?;
        let what = format!("push → run created, {} files that are cached", sizes.files);
        report.add(&format!("{what} (p50)"), &millis(times.percentile(50)), "≤ 1000 ms");
        report.add(&format!("{what} (the slowest)"), &millis(times.percentile(100)), "≤ 1000 ms");
        Ok(())
    }

    /// The same push to a repository of one workspace and to one of very many, of which it concerns one.
    async fn watched(&mut self, report: &mut Report, sizes: &Sizes) -> Result<()> {
        let mut medians = Vec::new();
        for (name, count) in [("alone", 1), ("watched", sizes.watchers)] {
            let (mut connected, ids) = self.connect(name, files(sizes.watchers), count).await?;
            let asked = self.provider.asked();
            let times = self.pushes(&mut connected, &ids[0], sizes).await?;
            let asked = (self.provider.asked() - asked) / sizes.pushes;
            let what = format!("{count} workspaces on one repository");
            let median = times.percentile(50);
            report.add(&format!("{what}, push → run created (p50)"), &millis(median), "");
            report.add(
                &format!("{what}, how often git asks for a push: its commit, and its archive"),
                &asked.to_string(),
                "2",
            );
            medians.push(median);
        }
        let matching = medians[1].saturating_sub(medians[0]);
        let what = format!("what {} workspaces are more than one, of these", sizes.watchers);
        report.add(&what, &millis(matching), "≤ 50 ms");
        Ok(())
    }

    /// A repository and workspaces that each follow one folder of it, when all have what is there.
    async fn connect(
        &mut self,
        name: &str,
        files: impl Iterator<Item = (String, String)>,
        workspaces: usize,
    ) -> Result<(Connected, Vec<String>)> {
        let origin = self.provider.repository(name).await?;
        let head = origin.commit("The beginning", files).await?;
        let mut ids = Vec::new();
        for number in 0..workspaces {
            let attributes = json!({
                "name": format!("{name}-{number:05}"), "queue-all-runs": true,
                "trigger-patterns": [format!("/{}/**/*", folder(number))],
                "vcs-repo": { "identifier": format!("acme/{name}"), "oauth-token-id": self.token },
            });
            let data = json!({ "type": "workspaces", "attributes": attributes });
            let path = format!("/api/v2/organizations/{}/workspaces", setup::ORGANIZATION);
            ids.push(text(&self.client.create(&path, data).await?, "/id")?.to_owned());
        }
        for id in &ids {
            until_some(async || self.uploaded(id, &head).await).await?;
        }
        let hook = self.provider.hook(name).context("the server has asked for no hook")?;
        Ok((Connected { name: name.to_owned(), origin, head, hook }, ids))
    }

    /// The newest run of a workspace, if it is of this commit and its files are there.
    async fn uploaded(&mut self, workspace: &str, commit: &str) -> Result<Option<()>> {
        let newest = self.newest(workspace).await?;
        let is_there =
            newest.as_ref().is_some_and(|(of, status)| of == commit && status == "uploaded");
        Ok(is_there.then_some(()))
    }

    /// Of which commit the newest run is, and how its configuration stands.
    async fn newest(&mut self, workspace: &str) -> Result<Option<(String, String)>> {
        let include = "include=configuration_version.ingress_attributes&page[size]=1";
        let found =
            self.client.get(&format!("/api/v2/workspaces/{workspace}/runs?{include}")).await?;
        let of = |kind: &str, name: &str| {
            let included = found["included"].as_array()?;
            let one = included.iter().find(|one| one["type"] == kind)?;
            Some(one["attributes"][name].as_str()?.to_owned())
        };
        Ok(of("ingress-attributes", "commit-sha").zip(of("configuration-versions", "status")))
    }

    /// Changes a file of the first folder again and again; each time until the run is there.
    async fn pushes(
        &mut self,
        connected: &mut Connected,
        workspace: &str,
        sizes: &Sizes,
    ) -> Result<Latencies> {
        let mut times = Vec::new();
        for number in 0..sizes.pushes {
            let changed = (format!("{}/main.tf", folder(0)), format!("# changed {number}\n"));
            let before = connected.head.clone();
            connected.head = connected.origin.commit("Change", std::iter::once(changed)).await?;
            let started = Instant::now();
            self.deliver(connected, "main", &before).await?;
            let head = connected.head.clone();
            let created = until_some(async || {
                let newest = self.newest(workspace).await?;
                Ok(newest.filter(|(of, _)| *of == head).map(|_| started.elapsed()))
            });
            times.push(created.await?);
            // The next one must not wait for the archive of this one.
            until_some(async || self.uploaded(workspace, &head).await).await?;
        }
        Latencies::new(times)
    }

    /// Tells of a push to a branch; how long the answer took.
    async fn deliver(&mut self, of: &Connected, branch: &str, before: &str) -> Result<Duration> {
        self.deliveries += 1;
        let body: Value = json!({
            "ref": format!("refs/heads/{branch}"), "before": before, "after": of.head,
            "created": before == ZEROS, "deleted": false, "forced": false, "number": self.deliveries,
            "head_commit": { "id": of.head, "message": "Change", "url": "https://git.example/c" },
            "repository": { "id": 7, "full_name": format!("acme/{}", of.name), "default_branch": "main" },
            "sender": { "login": "ann" },
        });
        let body = Bytes::from(body.to_string());
        let mut mac = Hmac::<Sha256>::new_from_slice(of.hook.secret.as_bytes())?;
        mac.update(&body);
        let signature = hex::encode(mac.finalize().into_bytes());
        let headers = [
            ("x-github-event", "push".to_owned()),
            ("x-github-delivery", format!("bench-{}", self.deliveries)),
            ("x-hub-signature-256", format!("sha256={signature}")),
        ];
        let sent = Instant::now();
        let body = Body::Signed(headers.to_vec(), body);
        let (status, said) = self.client.send(Method::POST, &of.hook.url, body).await?;
        let took = sent.elapsed();
        if status != hyper::StatusCode::ACCEPTED {
            bail!("a delivery was answered {status}: {}", String::from_utf8_lossy(&said));
        }
        Ok(took)
    }
}

fn folder(number: usize) -> String {
    format!("services/{number:05}")
}

fn files(count: usize) -> impl Iterator<Item = (String, String)> {
    (0..count).map(|number| (format!("{}/main.tf", folder(number)), format!("# {number}\n")))
}
