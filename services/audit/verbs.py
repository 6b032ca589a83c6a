"""Every write and every guarded look there is: its name, and the role it needs."""

from enum import StrEnum

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
    NOTICE_LIVE = "notice_live"
    NOTICE_CRITICAL = "notice_critical"
    LOG_AGENT = "log_agent"
    DESCRIBE_AGENT = "describe_agent"
    REMOVE_FAILED_AGENTS = "remove_failed_agents"
    TRY_AGENT = "try_agent"
    SAVE_DATASET = "save_dataset"
    NOTICE_DATASET = "notice_dataset"
    NOTICE_JUDGE = "notice_judge"
    SAVE_SCORER = "save_scorer"
    SAVE_SCORER_CODE = "save_scorer_code"
    REMOVE_SCORER = "remove_scorer"
    EVALUATE = "evaluate"
    SAVE_LARGE = "save_large"
    CORRECT_JUDGE = "correct_judge"
    PIN_BASELINE = "pin_baseline"
    SAVE_VIEW = "save_view"
    PREFER_ANSWER = "prefer_answer"
    SAVE_QUEUE = "save_queue"
    FILL_QUEUE = "fill_queue"
    MAKE_SESSION = "make_labeling_session"
    TAKE_LABELS = "take_labels"
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
    SHUT_DOWN = "shut_down"
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
    START_WAREHOUSE = "start_warehouse"
    START_SCORERS = "start_scorers"
    STOP_SCORERS = "stop_scorers"
    DEPLOY = "deploy"
    MOVE_ALIAS = "move_alias"
    MOVE_ENVIRONMENT_ALIAS = "move_environment_alias"
    PIN_PROMPT = "pin_prompt"
    MOVE_MODEL_ALIAS = "move_model_alias"
    MOVE_TRAFFIC = "move_traffic"
    COPY_QUESTIONS = "copy_questions"
    RETIRE = "retire"
    START_REHEARSAL = "start_rehearsal"
    TAKE_PART = "take_part"
    INJECT_FAULT = "inject_fault"
    END_REHEARSAL = "end_rehearsal"
    READ_AUDIT = "read_audit"
    EXPORT_AUDIT = "export_audit"
    VERIFY_AUDIT = "verify_audit"
    READ_PEOPLE = "read_people"
    BACK_UP = "back_up"
    RESTORE = "restore"


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
    Verb.NOTICE_LIVE: Role.VIEWER,
    Verb.NOTICE_CRITICAL: Role.VIEWER,
    Verb.LOG_AGENT: Role.AUTHOR,
    Verb.DESCRIBE_AGENT: Role.AUTHOR,
    Verb.REMOVE_FAILED_AGENTS: Role.AUTHOR,
    Verb.TRY_AGENT: Role.AUTHOR,
    Verb.SAVE_DATASET: Role.AUTHOR,
    Verb.NOTICE_DATASET: Role.VIEWER,
    Verb.NOTICE_JUDGE: Role.VIEWER,
    Verb.SAVE_SCORER: Role.AUTHOR,
    Verb.SAVE_SCORER_CODE: Role.ADMIN,
    Verb.REMOVE_SCORER: Role.AUTHOR,
    Verb.EVALUATE: Role.AUTHOR,
    Verb.SAVE_LARGE: Role.AUTHOR,
    Verb.CORRECT_JUDGE: Role.REVIEWER,
    Verb.PIN_BASELINE: Role.AUTHOR,
    Verb.SAVE_VIEW: Role.REVIEWER,
    Verb.PREFER_ANSWER: Role.REVIEWER,
    Verb.SAVE_QUEUE: Role.REVIEWER,
    Verb.FILL_QUEUE: Role.REVIEWER,
    Verb.MAKE_SESSION: Role.AUTHOR,
    Verb.TAKE_LABELS: Role.REVIEWER,
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
    Verb.SHUT_DOWN: Role.APPROVER,
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
    Verb.START_WAREHOUSE: Role.APPROVER,
    Verb.START_SCORERS: Role.APPROVER,
    Verb.STOP_SCORERS: Role.APPROVER,
    Verb.DEPLOY: Role.APPROVER,
    Verb.MOVE_ALIAS: Role.APPROVER,
    Verb.MOVE_ENVIRONMENT_ALIAS: Role.APPROVER,
    Verb.PIN_PROMPT: Role.APPROVER,
    Verb.MOVE_MODEL_ALIAS: Role.APPROVER,
    Verb.MOVE_TRAFFIC: Role.APPROVER,
    Verb.COPY_QUESTIONS: Role.APPROVER,
    Verb.RETIRE: Role.APPROVER,
    Verb.START_REHEARSAL: Role.APPROVER,
    Verb.TAKE_PART: Role.REVIEWER,
    Verb.INJECT_FAULT: Role.ADMIN,
    Verb.END_REHEARSAL: Role.APPROVER,
    Verb.READ_AUDIT: Role.APPROVER,
    Verb.EXPORT_AUDIT: Role.APPROVER,
    Verb.VERIFY_AUDIT: Role.APPROVER,
    Verb.READ_PEOPLE: Role.ADMIN,
    Verb.BACK_UP: Role.ADMIN,
    Verb.RESTORE: Role.ADMIN,
}
