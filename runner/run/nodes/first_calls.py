"""The first calls of a run, and whether stored answers may replace them."""

from runner.job.job import Job, Setup
from runner.job.reply_format import other_format
from runner.record.store import Store, request_key


def may_answer(store: Store, job: Setup) -> bool:
    """Return whether *store* may hold the answer to a first call of *job*; no answer is read.

    That is unknown for a batch, for passages that embeddings select, and where the windows that
    were learned may have cut the transcript in another way.
    """
    if not store.root.is_dir():
        return False
    learned = any(any(model.learned.facts().values()) for model in job.models.values())
    if not isinstance(job, Job) or job.to_embed or learned:
        return True
    repeat, grounded = job.settings.repeat, job.settings.grounding.require == "ask"
    for node in (node for node in job.pipeline.nodes if not node.needs):
        for model in (*job.chain(node), *job.escalation(node)):
            fit = job.fit(node, model)
            for chunk in fit.chunks if len(fit.chunks) > 1 else (None,):
                text = job.transcript_material(chunk) if node.transcript else ""
                request = job.request(node.name, model, text, fit.reply, cache=False)
                for each in filter(None, (request, other_format(request))):
                    if store.has(request_key(each, model.settings, repeat, grounded=grounded)):
                        return True
    return False
