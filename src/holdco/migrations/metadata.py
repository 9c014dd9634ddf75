"""All tables in one place, for the migrations and the test that finds drift between them and the models."""

from __future__ import annotations

import holdco.access.models
import holdco.activity.models
import holdco.bulk.models
import holdco.client_users.models
import holdco.contacts.models
import holdco.customers.models
import holdco.groups.models
import holdco.idempotency.models
import holdco.invoices.models
import holdco.items.models
import holdco.organizations.models
import holdco.payments.models
import holdco.price_lists.models
import holdco.projects.models
import holdco.terms.models  # noqa: F401 (imported so that the tables are known)
from holdco.database import Base

metadata = Base.metadata
