//! Initializing the engine: by what is kept of an earlier run of the workspace, or by `init`.

use std::path::Path;

use protocol::Phase;

use crate::kept_init::KeptInit;
use crate::output::Summary;
use crate::phase::{Failure, Prepared, Work, sentence};
use crate::process::{Ended, Manners};
use crate::session::Stop;
use crate::workplace::private_file;

/// How an engine was initialized.
#[derive(Clone)]
pub(crate) enum Init {
    /// By what an earlier run has left.
    Taken(KeptInit),
    /// By `init`, for later runs too.
    ToBeKept(KeptInit),
    NotKept,
}

impl Work<'_> {
    /// `init`, or what it made last time.
    pub async fn initialize(&self, prepared: &Prepared, cache: &Path) -> Result<Init, Failure> {
        let (job, run) = (&self.session.job.id, &self.session.job.run_id);
        let kept = self.kept(prepared, cache).await;
        let (kept, why) = match kept {
            Ok(kept) => match blocking({
                let kept = kept.clone();
                move || kept.lay_in()
            })
            .await
            {
                Ok(()) => {
                    tracing::info!(job, run, "init of {run} is taken from an earlier run");
                    return Ok(Init::Taken(kept));
                }
                Err(why) => (Some(kept), why),
            },
            Err(why) => (None, why),
        };
        tracing::info!(job, run, why, "init of {run} runs");
        self.run_init(prepared).await?;
        Ok(kept.map_or(Init::NotKept, Init::ToBeKept))
    }

    /// To be called before any code of the configuration runs.
    pub async fn keep_init(&self, init: &Init) {
        let Init::ToBeKept(kept) = init.clone() else { return };
        let (job, run) = (&self.session.job.id, &self.session.job.run_id);
        if let Err(why) = blocking(move || kept.keep()).await {
            tracing::info!(job, run, why, "init of {run} is not kept");
        }
    }

    /// After a phase that failed: whatever was wrong about a record must not be so for ever.
    pub async fn doubt_init(&self, init: &Init) {
        let Init::Taken(kept) = init.clone() else { return };
        let (job, run) = (&self.session.job.id, &self.session.job.run_id);
        let forgotten = blocking(move || Ok(kept.forget("the phase has failed"))).await;
        let why = forgotten.unwrap_or_else(|error| error);
        tracing::info!(job, run, why, "init of {run} is kept no longer");
    }

    async fn kept(&self, prepared: &Prepared, cache: &Path) -> Result<KeptInit, String> {
        if !self.agent.config.keep_init {
            return Err("a setting wants it so".into());
        }
        // Whoever debugs a plan wants to see all of it.
        if self.session.job.options.debug && self.session.job.phase == Phase::Plan {
            return Err("its log is wanted".into());
        }
        let (job, place, prepared) =
            (self.session.job.clone(), self.place.clone(), prepared.clone());
        // Where no engine sees it.
        let folder = self.agent.config.engine_cache_dir.join("inits");
        let cache = cache.to_owned();
        blocking(move || KeptInit::of(&folder, &cache, &job, &place, &prepared)).await
    }

    /// What it prints is shown only if it fails.
    async fn run_init(&self, prepared: &Prepared) -> Result<(), Failure> {
        let mut args = vec!["init".to_owned(), "-input=false".into(), "-no-color".into()];
        args.extend(prepared.var_files());
        let output = self.place.root().join("init.log");
        let run = async {
            let file = private_file(&output)?;
            let errors = file.try_clone()?;
            let config = &self.agent.config;
            let engine = &prepared.engine;
            let running = engine.start(config, args, Manners::BRIEF, file, errors).await?;
            running.wait(self.session, |line| self.log.say(line)).await
        };
        let ended: std::io::Result<Ended> = run.await;
        let ended = ended
            .map_err(|error| Failure::Broken(format!("The engine cannot be started: {error}.")))?;
        if ended.stopped != Stop::No {
            return Err(Failure::Stopped(ended.stopped));
        }
        if ended.status.success() {
            return Ok(());
        }
        let summary = Summary::read(&output, 0).unwrap_or_default();
        if let Err(error) = self.log.append(output).await {
            tracing::warn!(%error, "the log takes no more lines");
        }
        Err(Failure::Broken(sentence("init", ended.status, &summary)))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}
