"""Every write and every guarded look there is: its name, the role it needs, and what it is called while it runs."""

from enum import StrEnum

from services.messages import mark
from services.people import Role


class Verb(StrEnum):
    """Every write there is, and the looks that not everyone may take."""

    CREATE_APP = "create_app"
    UPDATE_APP = "update_app"
    ARCHIVE_APP = "archive_app"
    CHOOSE_PLACE = "choose_place"
    SAVE_GATE = "save_gate"
    SAVE_PROMPT = "save_prompt"
    LABEL_PROMPT = "label_prompt"
    SAVE_DRAFT = "save_draft"
    COMMENT = "comment"
    ARCHIVE_PROMPT = "archive_prompt"
    TRASH_PROMPT = "trash_prompt"
    ERASE_PROMPT = "erase_prompt"
    IMPROVE_PROMPT = "improve_prompt"
    NOTICE_MOVE = "notice_move"
    LOG_AGENT = "log_agent"
    REMOVE_FAILED_AGENTS = "remove_failed_agents"
    TRY_AGENT = "try_agent"
    SAVE_DATASET = "save_dataset"
    NOTICE_DATASET = "notice_dataset"
    SAVE_SCORER = "save_scorer"
    SAVE_SCORER_CODE = "save_scorer_code"
    REMOVE_SCORER = "remove_scorer"
    EVALUATE = "evaluate"
    CORRECT_JUDGE = "correct_judge"
    PIN_BASELINE = "pin_baseline"
    SAVE_VIEW = "save_view"
    PREFER_ANSWER = "prefer_answer"
    SAVE_QUEUE = "save_queue"
    FILL_QUEUE = "fill_queue"
    CLOSE_QUEUE = "close_queue"
    REVIEW_ANSWER = "review_answer"
    SKIP_ANSWER = "skip_answer"
    UNDO_REVIEW = "undo_review"
    CANCEL_JOB = "cancel_job"
    GIVE_FEEDBACK = "give_feedback"
    PROPOSE_RELEASE = "propose_release"
    CHECK_RELEASE = "check_release"
    WITHDRAW_RELEASE = "withdraw_release"
    KEEP_EVIDENCE = "keep_evidence"
    SAVE_APPROVAL_RULE = "save_approval_rule"
    APPROVE_RELEASE = "approve_release"
    REJECT_RELEASE = "reject_release"
    START_RELEASE = "start_release"
    STOP_RELEASE = "stop_release"
    ROLL_BACK = "roll_back"
    ADOPT_MOVE = "adopt_move"
    ASK_OVERRIDE = "ask_override"
    CONFIRM_OVERRIDE = "confirm_override"
    TAKE_OFFLINE = "take_offline"
    BRING_BACK = "bring_back"
    REGISTER_MODEL = "register_model"
    REBUILD_READ_MODEL = "rebuild_read_model"
    SAVE_ALERT = "save_alert"
    MUTE_ALERT = "mute_alert"
    ACKNOWLEDGE_ALERT = "acknowledge_alert"
    CHOOSE_CHANNELS = "choose_channels"
    NOTICE_ALERT = "notice_alert"
    ERASE_TRACES = "erase_traces"
    START_ARCHIVE = "start_archive"
    STOP_ARCHIVE = "stop_archive"
    CHANGE_ARCHIVE_AGES = "change_archive_ages"
    CHECK_ARCHIVE = "check_archive"
    PUT_TRACES_BACK = "put_traces_back"
    RELIEVE_MLFLOW = "relieve_mlflow"
    ERASE_ARCHIVE = "erase_archive"
    START_SCORERS = "start_scorers"
    STOP_SCORERS = "stop_scorers"
    DEPLOY = "deploy"
    MOVE_ALIAS = "move_alias"
    PIN_PROMPT = "pin_prompt"
    MOVE_MODEL_ALIAS = "move_model_alias"
    MOVE_TRAFFIC = "move_traffic"
    RETIRE = "retire"
    READ_AUDIT = "read_audit"
    EXPORT_AUDIT = "export_audit"
    VERIFY_AUDIT = "verify_audit"
    BACK_UP = "back_up"


ROLE_OF: dict[Verb, Role] = {
    Verb.CREATE_APP: Role.ADMIN,
    Verb.UPDATE_APP: Role.ADMIN,
    Verb.ARCHIVE_APP: Role.ADMIN,
    Verb.CHOOSE_PLACE: Role.ADMIN,
    Verb.SAVE_GATE: Role.APPROVER,
    Verb.SAVE_PROMPT: Role.AUTHOR,
    Verb.LABEL_PROMPT: Role.AUTHOR,
    Verb.SAVE_DRAFT: Role.AUTHOR,
    Verb.COMMENT: Role.REVIEWER,
    Verb.ARCHIVE_PROMPT: Role.AUTHOR,
    Verb.TRASH_PROMPT: Role.AUTHOR,
    Verb.ERASE_PROMPT: Role.ADMIN,
    Verb.IMPROVE_PROMPT: Role.AUTHOR,
    Verb.NOTICE_MOVE: Role.VIEWER,
    Verb.LOG_AGENT: Role.AUTHOR,
    Verb.REMOVE_FAILED_AGENTS: Role.AUTHOR,
    Verb.TRY_AGENT: Role.AUTHOR,
    Verb.SAVE_DATASET: Role.AUTHOR,
    Verb.NOTICE_DATASET: Role.VIEWER,
    Verb.SAVE_SCORER: Role.AUTHOR,
    Verb.SAVE_SCORER_CODE: Role.ADMIN,
    Verb.REMOVE_SCORER: Role.AUTHOR,
    Verb.EVALUATE: Role.AUTHOR,
    Verb.CORRECT_JUDGE: Role.REVIEWER,
    Verb.PIN_BASELINE: Role.AUTHOR,
    Verb.SAVE_VIEW: Role.REVIEWER,
    Verb.PREFER_ANSWER: Role.REVIEWER,
    Verb.SAVE_QUEUE: Role.REVIEWER,
    Verb.FILL_QUEUE: Role.REVIEWER,
    Verb.CLOSE_QUEUE: Role.REVIEWER,
    Verb.REVIEW_ANSWER: Role.REVIEWER,
    Verb.SKIP_ANSWER: Role.REVIEWER,
    Verb.UNDO_REVIEW: Role.REVIEWER,
    Verb.CANCEL_JOB: Role.AUTHOR,
    Verb.GIVE_FEEDBACK: Role.REVIEWER,
    Verb.PROPOSE_RELEASE: Role.AUTHOR,
    Verb.CHECK_RELEASE: Role.AUTHOR,
    Verb.WITHDRAW_RELEASE: Role.AUTHOR,
    Verb.KEEP_EVIDENCE: Role.VIEWER,
    Verb.SAVE_APPROVAL_RULE: Role.ADMIN,
    Verb.APPROVE_RELEASE: Role.APPROVER,
    Verb.REJECT_RELEASE: Role.APPROVER,
    Verb.START_RELEASE: Role.APPROVER,
    Verb.STOP_RELEASE: Role.APPROVER,
    Verb.ROLL_BACK: Role.APPROVER,
    Verb.ADOPT_MOVE: Role.APPROVER,
    Verb.ASK_OVERRIDE: Role.APPROVER,
    Verb.CONFIRM_OVERRIDE: Role.APPROVER,
    Verb.TAKE_OFFLINE: Role.APPROVER,
    Verb.BRING_BACK: Role.APPROVER,
    Verb.REGISTER_MODEL: Role.APPROVER,
    Verb.REBUILD_READ_MODEL: Role.AUTHOR,
    Verb.SAVE_ALERT: Role.AUTHOR,
    Verb.MUTE_ALERT: Role.AUTHOR,
    Verb.ACKNOWLEDGE_ALERT: Role.REVIEWER,
    Verb.CHOOSE_CHANNELS: Role.ADMIN,
    Verb.NOTICE_ALERT: Role.VIEWER,
    Verb.ERASE_TRACES: Role.ADMIN,
    Verb.START_ARCHIVE: Role.ADMIN,
    Verb.STOP_ARCHIVE: Role.ADMIN,
    Verb.CHANGE_ARCHIVE_AGES: Role.ADMIN,
    Verb.CHECK_ARCHIVE: Role.AUTHOR,
    Verb.PUT_TRACES_BACK: Role.ADMIN,
    Verb.RELIEVE_MLFLOW: Role.ADMIN,
    Verb.ERASE_ARCHIVE: Role.ADMIN,
    Verb.START_SCORERS: Role.APPROVER,
    Verb.STOP_SCORERS: Role.APPROVER,
    Verb.DEPLOY: Role.APPROVER,
    Verb.MOVE_ALIAS: Role.APPROVER,
    Verb.PIN_PROMPT: Role.APPROVER,
    Verb.MOVE_MODEL_ALIAS: Role.APPROVER,
    Verb.MOVE_TRAFFIC: Role.APPROVER,
    Verb.RETIRE: Role.APPROVER,
    Verb.READ_AUDIT: Role.APPROVER,
    Verb.EXPORT_AUDIT: Role.APPROVER,
    Verb.VERIFY_AUDIT: Role.APPROVER,
    Verb.BACK_UP: Role.ADMIN,
}

DOING: dict[Verb, str] = {
    Verb.CREATE_APP: mark("Creating the app"),
    Verb.UPDATE_APP: mark("Saving the app's settings"),
    Verb.ARCHIVE_APP: mark("Archiving the app"),
    Verb.CHOOSE_PLACE: mark("Choosing where things are kept"),
    Verb.SAVE_GATE: mark("Saving the gate"),
    Verb.SAVE_PROMPT: mark("Saving the prompt"),
    Verb.LABEL_PROMPT: mark("Changing the labels of the version"),
    Verb.SAVE_DRAFT: mark("Keeping the draft"),
    Verb.COMMENT: mark("Saving the comment"),
    Verb.ARCHIVE_PROMPT: mark("Archiving the prompt"),
    Verb.TRASH_PROMPT: mark("Moving the version to or from the trash"),
    Verb.ERASE_PROMPT: mark("Deleting the version for good"),
    Verb.IMPROVE_PROMPT: mark("Improving the prompt"),
    Verb.NOTICE_MOVE: mark("Recording a move made elsewhere"),
    Verb.LOG_AGENT: mark("Logging the agent"),
    Verb.REMOVE_FAILED_AGENTS: mark("Removing agent versions that failed"),
    Verb.TRY_AGENT: mark("Trying the agent"),
    Verb.SAVE_DATASET: mark("Saving the dataset"),
    Verb.NOTICE_DATASET: mark("Recording a change of a dataset that was made elsewhere"),
    Verb.SAVE_SCORER: mark("Saving the scorer"),
    Verb.SAVE_SCORER_CODE: mark("Saving or trying a scorer's code"),
    Verb.REMOVE_SCORER: mark("Removing the scorer"),
    Verb.EVALUATE: mark("Evaluating"),
    Verb.CORRECT_JUDGE: mark("Saving your verdict"),
    Verb.PIN_BASELINE: mark("Changing the baseline"),
    Verb.SAVE_VIEW: mark("Changing the saved views"),
    Verb.PREFER_ANSWER: mark("Saving which answer you prefer"),
    Verb.SAVE_QUEUE: mark("Saving the review queue"),
    Verb.FILL_QUEUE: mark("Looking for answers to review"),
    Verb.CLOSE_QUEUE: mark("Closing or opening the review queue"),
    Verb.REVIEW_ANSWER: mark("Saving your review"),
    Verb.SKIP_ANSWER: mark("Skipping the answer"),
    Verb.UNDO_REVIEW: mark("Taking your review back"),
    Verb.CANCEL_JOB: mark("Cancelling the job"),
    Verb.GIVE_FEEDBACK: mark("Saving the feedback"),
    Verb.PROPOSE_RELEASE: mark("Proposing the release"),
    Verb.CHECK_RELEASE: mark("Checking the interlocks again"),
    Verb.WITHDRAW_RELEASE: mark("Withdrawing the release"),
    Verb.KEEP_EVIDENCE: mark("Keeping the evidence"),
    Verb.SAVE_APPROVAL_RULE: mark("Saving who must approve"),
    Verb.APPROVE_RELEASE: mark("Approving the release"),
    Verb.REJECT_RELEASE: mark("Rejecting the release"),
    Verb.START_RELEASE: mark("Starting the release"),
    Verb.STOP_RELEASE: mark("Stopping the release"),
    Verb.ROLL_BACK: mark("Rolling back"),
    Verb.ADOPT_MOVE: mark("Taking over what was moved outside the console"),
    Verb.ASK_OVERRIDE: mark("Asking to override interlocks"),
    Verb.CONFIRM_OVERRIDE: mark("Confirming an override of interlocks"),
    Verb.TAKE_OFFLINE: mark("Taking the endpoint offline"),
    Verb.BRING_BACK: mark("Bringing the endpoint back online"),
    Verb.REGISTER_MODEL: mark("Registering the agent version"),
    Verb.REBUILD_READ_MODEL: mark("Reading all traces for the charts again"),
    Verb.SAVE_ALERT: mark("Saving the alert rule"),
    Verb.MUTE_ALERT: mark("Muting alerts"),
    Verb.ACKNOWLEDGE_ALERT: mark("Taking over the alert"),
    Verb.CHOOSE_CHANNELS: mark("Choosing where alerts go"),
    Verb.NOTICE_ALERT: mark("Recording an alert"),
    Verb.ERASE_TRACES: mark("Deleting traces for good"),
    Verb.START_ARCHIVE: mark("Starting the archive"),
    Verb.STOP_ARCHIVE: mark("Stopping the archive"),
    Verb.CHANGE_ARCHIVE_AGES: mark("Changing how long traces are kept"),
    Verb.CHECK_ARCHIVE: mark("Looking after the archive"),
    Verb.PUT_TRACES_BACK: mark("Bringing traces back to MLflow"),
    Verb.RELIEVE_MLFLOW: mark("Deleting archived traces from MLflow"),
    Verb.ERASE_ARCHIVE: mark("Deleting archived traces"),
    Verb.START_SCORERS: mark("Starting the production scorers"),
    Verb.STOP_SCORERS: mark("Stopping the production scorers"),
    Verb.DEPLOY: mark("Deploying the agent version"),
    Verb.MOVE_ALIAS: mark("Moving the production alias"),
    Verb.PIN_PROMPT: mark("Naming a prompt version for the agents pinned to it"),
    Verb.MOVE_MODEL_ALIAS: mark("Moving an alias of the registered agent"),
    Verb.MOVE_TRAFFIC: mark("Moving the traffic"),
    Verb.RETIRE: mark("Retiring the agent version"),
    Verb.READ_AUDIT: mark("Reading the audit log"),
    Verb.EXPORT_AUDIT: mark("Exporting the audit log"),
    Verb.VERIFY_AUDIT: mark("Checking the audit log"),
    Verb.BACK_UP: mark("Backing up the console"),
}
